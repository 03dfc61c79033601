"""What one batch of any kind costs the network."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import torch
from torch import Tensor

from worldsim.diffusion.batches import Batch, Kind, LookBatch
from worldsim.diffusion.looking import looks_loss
from worldsim.diffusion.motion import EXTRA
from worldsim.diffusion.objective import (
    laws_loss,
    next_frames_loss,
    noisy_cells,
    solids_loss,
    states_loss,
    velocity_loss,
)
from worldsim.diffusion.observables import ENTITIES, NUMBERS
from worldsim.diffusion.patches import per_token, to_unit
from worldsim.diffusion.schedule import mix
from worldsim.diffusion.sequence import States, looks_ahead
from worldsim.diffusion.transformer import VideoTransformer
from worldsim.diffusion.typical_error import BEGIN, TypicalErrors


def _noisy(clean_u8: Tensor, noise: Tensor, level: Tensor, known: Tensor, context_noise: Tensor,
           ) -> tuple[Tensor, Tensor]:
    """Clean pixels in [-1, 1], and the network's input."""
    clean = to_unit(clean_u8)
    return clean, noisy_cells(clean, noise, level, known, context_noise)


@dataclasses.dataclass(frozen=True)
class LossParts:
    """The parts of a step outside the network, compiled or not."""

    noisy: Callable[..., tuple[Tensor, Tensor]] = _noisy
    pixels: Callable[..., Tensor] = velocity_loss
    states: Callable[..., Tensor] = states_loss


def step_loss(network: VideoTransformer, batch: Batch | LookBatch, weight: float = 1.0,
              parts: LossParts | None = None, typical: TypicalErrors | None = None) -> Tensor:
    """Loss of one batch: (3,) of all, the pixels and the states; `weight` is of the states.

    typical : which errors are typical, and learns from these; by default all are alike.
    """
    parts = parts or LossParts()
    nothing = torch.zeros(())
    if isinstance(batch, LookBatch):
        said = LOOKS_WEIGHT * looks_loss(network.looks(batch.looks), batch.looks)
        return torch.stack([weight * said, nothing, said])
    seen, grid = _seen(batch), batch.grid
    if batch.kind is Kind.LAWS:
        said = _of_laws(network, batch, seen)
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
    # What is known not to be there, or hidden, stays zero, as where one samples.
    given = states.numbers + states.valid * as_read(noise, batch.condition.states_noise)
    noisy = mix(states.numbers, noise, states.level[:, None, :, None])
    # What is unknown must not tell by its absence that a body is absent.
    slot = (states.entity < len(ENTITIES)).float()[:, :, None, None]
    return dataclasses.replace(states, valid=torch.where(known, states.valid, slot),
                               numbers=torch.where(known, given, noisy))


LOOKS_WEIGHT = 0.05
"""Of the loss of looks beside that of states."""

TURNS, MOST = 60.0, 0.2
"""How many times noisier turns are than places where both are read off pictures, up to the second
number: instruments follow places to a thousandth, and turns are seen within some hundredths."""

SHARED = 0.8
"""Of the noise of turns that is the same in all frames of a group; the rest is each frame's."""


def as_read(noise: Tensor, size: Tensor) -> Tensor:
    """Noise (B, E, G, n) of known states, like errors of readings of places of `size` (B,)."""
    size = size[:, None, None, None]
    frames = noise[..., :-EXTRA].unflatten(-1, (-1, NUMBERS))
    count = frames.shape[-2]
    mean = frames[..., 3:].mean(-2, keepdim=True)
    # The mean and what departs from it are independent of each other.
    turns = SHARED * count**0.5 * mean + (1 - SHARED**2) ** 0.5 * (
        frames[..., 3:] - mean) * (count / max(count - 1, 1)) ** 0.5
    turns = (TURNS * size).clamp_max(MOST)[..., None] * turns
    places = size[..., None] * frames[..., :3]
    return torch.cat([torch.cat([places, turns], -1).flatten(-2), size * noise[..., -EXTRA:]], -1)


def _of_laws(network: VideoTransformer, batch: Batch, seen: States) -> Tensor:
    """Where all is known, every frame from the three before it; else where the laws lead."""
    states, laws = batch.states, network.laws
    with torch.autocast(states.numbers.device.type, enabled=False):
        # Half sizes and presence are learned whether they are known or not.
        solid = solids_loss(laws.solids(batch.condition, seen), states.numbers, states.valid)
        if not bool(states.known.all()):
            lawful = laws(batch.condition, seen, looks_ahead(batch.mask, batch.grid))
            return solid + laws_loss(lawful, states, states.numbers)
        said = laws.next_frames(batch.condition, states, seen.numbers, batch.backwards)
        clean, valid = (part[..., :-EXTRA].unflatten(-1, (-1, NUMBERS)).flatten(2, 3)
                        for part in (states.numbers, states.valid))
        if batch.backwards:
            clean, valid = clean.flip(2), valid.flip(2)
        straight = 2 * clean[:, :, 2:-1] - clean[:, :, 1:-2]
        return solid + next_frames_loss(said, clean[:, :, 3:], straight, valid[:, :, 3:])


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
