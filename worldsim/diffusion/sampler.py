"""From noise to clips: an ordinary differential equation solved in few steps.

Pixels and states are denoised together. What is known is put back after every step, so it comes
back untouched; noise is an argument, so that whoever calls decides which member gets which.
"""

from __future__ import annotations

import dataclasses
import itertools

import torch
from torch import Tensor

from worldsim.diffusion.carrying import Stage
from worldsim.diffusion.conditioning import Told
from worldsim.diffusion.patches import Grid
from worldsim.diffusion.schedule import mix, sampling_levels, velocity
from worldsim.diffusion.sequence import Condition, Context, Prediction, States, causal_mask
from worldsim.diffusion.transformer import VideoTransformer
from worldsim.errors import InputError


@dataclasses.dataclass(frozen=True)
class SamplerConfig:
    """How to sample.

    steps : steps from noise to data.
    shift : above 1, more steps near noise (`worldsim.diffusion.schedule.sampling_levels`).
    heun : second-order steps (two evaluations each, except the last).
    guidance : 1 takes the parameters as told; above 1 exaggerates what telling them changes.
    guided : parameters with a guidance of their own, (name, guidance) each.
    causal : no group of frames sees a later one.
    overlap : seconds that one window of a long rollout hands to the next as known, at most half of
        the window.
    context_noise : how noisy the network is told that frames it dreamed itself are.
    together : dream pixels and states of bodies in one go. Otherwise, which is cheaper and better,
        states are read off known frames first, then dreamed alone, and then shown.
    state_steps : evaluations for states read or dreamed alone.
    reading_noise : normalised noise that states which were read off are said to have.
    instruments : let instruments correct what was read (`worldsim.diffusion.reading`).
    """

    steps: int = 12
    shift: float = 3.0
    heun: bool = False
    guidance: float = 1.0
    guided: tuple[tuple[str, float], ...] = ()
    causal: bool = False
    overlap: float = 4.0
    context_noise: float = 0.03
    together: bool = False
    state_steps: int = 4
    reading_noise: float = 0.008
    instruments: bool = True

    def __post_init__(self) -> None:
        object.__setattr__(self, "guided", tuple((str(n), float(g)) for n, g in self.guided))
        if min(self.steps, self.state_steps) < 1 or self.shift <= 0:
            raise InputError(f"steps={self.steps}, state_steps={self.state_steps}, "
                             f"shift={self.shift:g}: give at least 1, above 0")


@dataclasses.dataclass(frozen=True)
class Task:
    """What is to be denoised.

    given : (B, N, S, C, F*P) pixels in [-1, 1], read where known. known : (B, N, S, F*P) bool.
    states : numbers of what is known, and which tokens are. draft : pixels like `given` from which
    to begin, at the level `begin`; None to begin from noise.
    without : for every guidance, its weight and the parameters as they are told without it.
    paint : whether pixels are wanted; without, they come back as they are.
    """

    given: Tensor
    known: Tensor
    context: Context
    condition: Condition
    states: States
    stage: Stage
    grid: Grid
    draft: Tensor | None = None
    begin: float = 0.0
    without: tuple[tuple[float, Told], ...] = ()
    paint: bool = True


@torch.inference_mode()
def sample(network: VideoTransformer, noise: Tensor, states_noise: Tensor, task: Task,
           config: SamplerConfig) -> tuple[Tensor, Tensor]:
    """Denoise a batch of clips.

    Parameters
    ----------
    noise, states_noise : standard normal, of the shapes of `Task.given` and `States.numbers`.

    Returns
    -------
    Clips in cells like `noise`, and numbers like `states_noise`; what is known equals what was
    given bit for bit.
    """
    levels = sampling_levels(config.steps, config.shift)
    levels = levels[levels > task.begin] if task.begin else levels
    if task.begin:
        levels = torch.cat([torch.tensor([task.begin]), levels])
    wholly = _wholly_known_groups(task.known, task.grid)
    clean_level = (1 - task.condition.context_noise)[:, None]
    told_states = task.states.known[..., None] > 0
    mask = None
    if config.causal:
        extra = network.extra_tokens(task.condition.told.number.shape[1])
        mask = causal_mask(task.grid, task.states.entity.shape[1], extra)

    def of_states(level: Tensor) -> Tensor:
        """Level of the states, which begin from noise where the pixels begin from a draft."""
        return (level - levels[0]) / (1 - levels[0])

    conditions = [task.condition, *(dataclasses.replace(task.condition, told=parameters)
                                    for _, parameters in task.without)]
    # Laws look at known states alone, which stay.
    lawful = [network.lawful(condition, task.states, not config.causal)
              for condition in conditions]

    def evaluate(z: Tensor, said: Tensor, level: Tensor, which: int) -> Prediction:
        of_groups = torch.where(wholly, clean_level, level.expand(wholly.shape))
        condition = conditions[which]
        states = dataclasses.replace(task.states, numbers=said, lawful=lawful[which],
                                     level=of_states(level).expand(task.states.level.shape))
        return network(z.flatten(-2), of_groups, task.context, condition, states, task.stage,
                       task.grid, mask, task.paint)

    def predict(z: Tensor, said: Tensor, level: Tensor) -> tuple[Tensor, Tensor]:
        told = evaluate(z, said, level, 0)
        pixels, numbers = told.pixels, told.numbers
        for which, (weight, _) in enumerate(task.without, 1):
            other = evaluate(z, said, level, which)
            pixels = pixels + (weight - 1) * (told.pixels - other.pixels)
            numbers = numbers + (weight - 1) * (told.numbers - other.numbers)
        return pixels.view_as(z), settled(numbers)

    def pin(z: Tensor) -> Tensor:
        return torch.where(task.known[..., None, :], task.given, z)

    def pin_states(said: Tensor) -> Tensor:
        return torch.where(told_states, task.states.numbers, said)

    z, said = noise, states_noise
    if task.draft is not None:
        z = mix(task.draft, noise, levels[0])
    z, said = pin(z), pin_states(said)
    for now, then in itertools.pairwise(levels):
        pixels, numbers = predict(z, said, now)
        if then == 1:
            return pin(pixels), pin_states(numbers)
        since, until = of_states(now), of_states(then)
        slope, change = velocity(pixels, z, now), velocity(numbers, said, since)
        ahead = pin(z + (then - now) * slope)
        ahead_said = pin_states(said + (until - since) * change)
        if config.heun:
            pixels, numbers = predict(ahead, ahead_said, then)
            slope = (slope + velocity(pixels, ahead, then)) / 2
            change = (change + velocity(numbers, ahead_said, until)) / 2
            ahead = pin(z + (then - now) * slope)
            ahead_said = pin_states(said + (until - since) * change)
        z, said = ahead, ahead_said
    raise AssertionError("the last level is 1")


def settled(numbers: Tensor) -> Tensor:
    """Numbers (…, n) with zeros for what is not there, as training shows them; the last number
    says whether something is."""
    there = numbers[..., -1:] > 0
    return torch.cat([torch.where(there, numbers[..., :-1], 0.0), numbers[..., -1:]], -1)


def _wholly_known_groups(known: Tensor, grid: Grid) -> Tensor:
    """(B, V*G): groups of frames without an unknown pixel."""
    shape = (grid.views * grid.groups, grid.tokens_per_group)
    return known.flatten(2).all(-1).unflatten(1, shape).all(-1)
