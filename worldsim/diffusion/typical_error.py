"""How large errors of dreamed states typically are, as the training goes.

A body half a second after it was known in free flight, and one of seven balls after three seconds,
are not equally hard to foresee. Errors count in proportion to what is typical of their place, which
is a running mean over places alike: the same scenario, as long since the body was known, at the
same level of noise, told as much. None of this depends on the answer, so the best prediction stays
the mean over what may be true. Weights between those of equal errors and of a likelihood: Seitzer
et al. 2022, "On the pitfalls of heteroscedastic uncertainty estimation" (beta = 1/2); per level of
noise: Karras et al. 2024, "Analyzing and improving the training dynamics of diffusion models".
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from worldsim.diffusion import distributed
from worldsim.diffusion.motion import nearest_group
from worldsim.diffusion.observables import NUMBERS
from worldsim.diffusion.sequence import looks_ahead

if TYPE_CHECKING:
    from worldsim.diffusion.batches import Batch

FIRST_LAG, PER_OCTAVE, LAGS = 0.05, 2, 13
"""Shortest time [s] since a state was known, and bins of it; one more where none is known."""

LEVELS = (0.02, 0.15, 0.35, 0.6)
READING_NOISES = (0.01, 0.04)
"""Bounds between bins."""

FLOOR = 1e-3
"""Least typical error, normalised: a thirtieth of a pixel of 64."""

BEGIN = 0.1
"""Typical error before anything was seen."""

PATIENCE = 300.0
"""Errors after which a bin has half forgotten what was before."""


class TypicalErrors:
    """Running mean squares of errors.

    scenarios, kinds : how many there are of both (`batches.Kind`). untold : number of a slot of
    `Told` that is about no parameter.
    squares : (scenario, kind of batch, told wholly or not, noise of known states, level, lag,
    position or turn).
    """

    def __init__(self, scenarios: int, kinds: int, untold: int) -> None:
        self.untold = untold
        shape = (scenarios, kinds, 2, len(READING_NOISES) + 1, len(LEVELS) + 1, LAGS + 1, 2)
        self.squares = torch.full(shape, BEGIN**2)

    def of(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Typical errors (B, E, G, F, 2) of positions and turns of a batch, and the place in the
        table, flattened, of each (B, E, G, F)."""
        states, condition = batch.states, batch.condition
        groups = states.known.shape[-1]
        frames = (states.numbers.shape[-1] - 4) // NUMBERS
        index, later, exists = nearest_group(states.known, looks_ahead(batch.mask, batch.grid))
        step = (condition.seconds / frames)[:, None, None, None]
        frame = torch.arange(frames)
        gap = (torch.arange(groups)[:, None] * frames + frame) - (
            index * frames + torch.where(later, 0, frames - 1))[..., None]
        lag = ((gap.abs() * step).clamp_min(FIRST_LAG) / FIRST_LAG).log2() * PER_OCTAVE
        lag = torch.where(exists[..., None], lag.round().long().clamp_max(LAGS - 1), LAGS)
        wanted = (condition.told.number < self.untold).sum(1)
        whole = (condition.told.presence.sum(1) >= wanted).long()
        level = torch.bucketize(states.level, torch.tensor(LEVELS))[:, None, :, None]
        noise = torch.bucketize(condition.states_noise, torch.tensor(READING_NOISES))
        per_case = [part[:, None, None, None] for part in (condition.scenario, whole, noise)]
        place = torch.zeros_like(lag)
        parts = (per_case[0], torch.tensor(batch.kind.place), per_case[1], per_case[2], level, lag)
        for size, part in zip(self.squares.shape, parts, strict=False):
            place = place * size + part
        found = self.squares.view(-1, 2)[place]
        return (found + FLOOR**2).sqrt(), place

    def learn(self, place: Tensor, error: Tensor, counted: Tensor) -> None:
        """Take in errors (B, E, G, F, 9) of states, where `counted`, of the same shape."""
        table = self.squares.view(-1, 2)
        sums = torch.zeros(2, *table.shape)
        flat = place.flatten()
        for number, part in enumerate((slice(0, 3), slice(3, NUMBERS))):
            weight = counted[..., part]
            sums[0, :, number].index_add_(
                0, flat, (error[..., part].square() * weight).sum(-1).flatten())
            sums[1, :, number].index_add_(0, flat, weight.sum(-1).flatten())
        sums = distributed.summed(sums)
        share = sums[1] / (sums[1] + PATIENCE)
        table.lerp_(sums[0] / sums[1].clamp_min(1), share)
