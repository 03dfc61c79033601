"""What one batch of any kind costs the network."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import torch
from torch import Tensor

from worldsim.diffusion.batches import Batch, Kind
from worldsim.diffusion.law_batches import of_one_group
from worldsim.diffusion.motion import EXTRA, Motion, motion_of, path
from worldsim.diffusion.objective import laws_loss, noisy_cells, states_loss, velocity_loss
from worldsim.diffusion.observables import ENTITIES, NUMBERS
from worldsim.diffusion.patches import per_token, to_unit
from worldsim.diffusion.schedule import mix
from worldsim.diffusion.transformer import States, VideoTransformer, looks_ahead
from worldsim.diffusion.typical_error import BEGIN, TypicalErrors


def _noisy(clean_u8: Tensor, noise: Tensor, level: Tensor, known: Tensor, context_noise: Tensor,
           ) -> tuple[Tensor, Tensor]:
    """Clean pixels in [-1, 1], and the network's input."""
    clean = to_unit(clean_u8)
    return clean, noisy_cells(clean, noise, level, known, context_noise)


def _lawful_loss(laws: Tensor, motion: Motion, states: States, typical: Tensor,
                 ) -> tuple[Tensor, Tensor]:
    """Loss of laws, and where they lead."""
    said = path(motion, laws)
    return laws_loss(said, motion, states, states.numbers, typical), said.detach()


@dataclasses.dataclass(frozen=True)
class LossParts:
    """The parts of a step outside the network, compiled or not."""

    noisy: Callable[..., tuple[Tensor, Tensor]] = _noisy
    pixels: Callable[..., Tensor] = velocity_loss
    states: Callable[..., Tensor] = states_loss
    laws: Callable[..., tuple[Tensor, Tensor]] = _lawful_loss


def step_loss(network: VideoTransformer, batch: Batch, weight: float = 1.0,
              parts: LossParts | None = None, typical: TypicalErrors | None = None) -> Tensor:
    """Loss of one batch: (3,) of all, the pixels and the states; `weight` is of the states.

    typical : which errors are typical, and learns from these; by default all are alike.
    """
    parts = parts or LossParts()
    seen, grid = _seen(batch), batch.grid
    nothing = torch.zeros(())
    if batch.kind is Kind.LAWS:
        said = _of_laws(network, batch, seen, parts, typical)
        return torch.stack([weight * said, nothing, said])
    films = batch.kind is Kind.FILMS
    clean, noisy, level = batch.clean, batch.noise, batch.level  # of no view there is nothing
    if grid.views:
        level = per_token(batch.level.unflatten(1, (grid.views, -1)), grid)
        clean, noisy = parts.noisy(batch.clean, batch.noise, level, batch.known,
                                   batch.condition.context_noise)
    predicted = network(noisy.flatten(-2), batch.level, batch.context, batch.condition, seen,
                        batch.stage, grid, batch.mask, paint=films)
    pixels, said = nothing, nothing
    if films:
        pixels = parts.pixels(predicted.pixels.unflatten(-1, (3, -1)), clean, level, batch.known,
                              batch.weight, batch.expected)
    if batch.states.numbers.shape[1]:
        sizes, place = _sizes(batch, typical)
        _learn(batch, typical, place, predicted.numbers)
        said = parts.states(predicted.numbers, batch.states, batch.states.numbers, sizes)
    return torch.stack([pixels + weight * said, pixels, said])


def _seen(batch: Batch) -> States:
    """The states as the network sees them: unknown ones at their level of noise."""
    states, noise = batch.states, batch.states_noise
    known = states.known[..., None] > 0
    given = states.numbers + batch.condition.states_noise[:, None, None, None] * noise
    noisy = mix(states.numbers, noise, states.level[:, None, :, None])
    # What is unknown must not tell by its absence that a body is absent.
    slot = (states.entity < len(ENTITIES)).float()[:, :, None, None]
    return dataclasses.replace(states, valid=torch.where(known, states.valid, slot),
                               numbers=torch.where(known, given, noisy))


def _of_laws(network: VideoTransformer, batch: Batch, seen: States, parts: LossParts,
             typical: TypicalErrors | None) -> Tensor:
    motion = motion_of(seen.numbers, seen.known, batch.condition.seconds, seen.push,
                       looks_ahead(batch.mask, batch.grid))
    laws = network.laws(batch.condition, seen.entity, of_one_group(motion, seen.known))
    sizes, place = _sizes(batch, typical)
    said, numbers = parts.laws(laws, motion, batch.states, sizes)
    _learn(batch, typical, place, numbers)
    return said


def _sizes(batch: Batch, typical: TypicalErrors | None) -> tuple[Tensor, Tensor | None]:
    """Typical errors (B, E, G, F, 2), and their place in the table, if there is one."""
    if typical is not None:
        return typical.of(batch)
    shape = batch.states.numbers.shape
    frames = (shape[-1] - EXTRA) // NUMBERS
    return batch.states.numbers.new_full((*shape[:3], frames, 2), BEGIN), None


def _learn(batch: Batch, typical: TypicalErrors | None, place: Tensor | None,
           said: Tensor) -> None:
    if typical is None or place is None:
        return
    states = batch.states
    error = said.detach().float() - states.numbers
    counted = states.valid * (states.known[..., None] <= 0)
    typical.learn(place, *(part[..., :-EXTRA].unflatten(-1, (-1, NUMBERS))
                           for part in (error, counted)))
