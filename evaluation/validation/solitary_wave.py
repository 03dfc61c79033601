"""A solitary wave on a plane beach: the set-up shared by benchmarks 1 and 4 and the run-up law.

Everything is in units of the offshore depth d and of the time tau = sqrt(d/g), so gravity and
offshore depth are 1. x points seaward from the still shore, as published; inside, the solver's
x points the other way, onto the beach in the east. The benchmark's wave (NTHMP BP01, after
Synolakis 1987 and Titov & Synolakis 1995) at t = 0:

    eta = H sech^2(gamma (x - X1)),  u = -eta,  gamma = sqrt(3 H / 4),
    X1 = X0 + arccosh(sqrt 20) / gamma,  X0 = cot(beta) = 19.85.

The west is open; what of the wave's tail lies beyond it at t = 0 comes in through it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from evaluation.validation.flow import Flow
from worldsim.simulator.water import Boundaries, IncomingWave

COT_BETA = 19.85
HALF_LENGTH = float(np.arccosh(np.sqrt(20.0)))  # 2.178: where sech^2 is 1/20
FILM = 1e-3
"""d; a cell with less water than this is not part of the shore's water."""


def decay(height: float | np.ndarray) -> np.ndarray:
    """gamma, the wave's decay rate per depth, of the wave of `height` [d]."""
    return np.sqrt(0.75 * np.asarray(height))


def crest(height: float | np.ndarray) -> np.ndarray:
    """X1 [d], where the crest is at t = 0: half a wave length before the toe of the beach."""
    return COT_BETA + HALF_LENGTH / decay(height)


def runup_law(height: float | np.ndarray) -> np.ndarray:
    """Synolakis 1987, the run-up law: R/d = 2.831 sqrt(cot beta) (H/d)^(5/4), for waves that do not
    break."""
    return 2.831 * np.sqrt(COT_BETA) * np.asarray(height) ** 1.25


@dataclass(frozen=True)
class Beach:
    """Grid of the channel: from `dry` [d] inland of the still shore to `sea` [d] offshore, in
    cells of `size` [d]."""

    dry: float
    sea: float
    size: float

    @property
    def x(self) -> np.ndarray:
        """Cell centres [d], seaward positive, from the sea to the land (the solver's order)."""
        cells = round((self.sea + self.dry) / self.size)
        return self.sea - (np.arange(cells) + 0.5) * self.size

    @property
    def bed(self) -> np.ndarray:
        """Bed level [d]."""
        return -np.minimum(self.x / COT_BETA, 1.0)


class SolitaryWaves:
    """Waves of several `heights` (n,) [d] on one beach, each a member of one batch.

    manning : (n,) in units where d = g = 1, i.e. n sqrt(g) d^(-1/6); 0 for no friction.
    """

    def __init__(
        self, beach: Beach, heights: Sequence[float] | np.ndarray, manning: np.ndarray | None = None
    ) -> None:
        self.beach = beach
        height = np.asarray(heights, dtype=float)[:, None]
        x, bed = beach.x, beach.bed
        gamma, start = decay(height), crest(height)
        surface = height / np.cosh(gamma * (x - start)) ** 2
        depth = np.maximum(surface - bed, 0.0) * (bed < 0)
        surface = np.where(bed < 0, surface, 0.0)
        # u = -eta seaward is +eta in the solver's direction
        flow = depth * surface
        times = np.linspace(0.0, 2.0 * beach.sea, 2001)
        tail = height / np.cosh(gamma * (beach.sea + times - start)) ** 2
        wave = IncomingWave(torch.as_tensor(times), torch.as_tensor(tail))

        def batch(values: np.ndarray) -> np.ndarray:
            return np.broadcast_to(values, (len(height), x.size))[:, None, :]

        rough = 0.0 if manning is None else np.asarray(manning, dtype=float)[:, None, None]
        self.flow = Flow((beach.size, 1e3), batch(bed), batch(depth), batch(flow),
                         boundaries=Boundaries(west=wave), manning=rough, gravity=1.0)

    def until(self, end: float, every: float) -> Iterator[float]:
        """Advance to `end` [tau], yielding the time after each `every` [tau]."""
        count = round(end / every)
        for step in range(1, count + 1):
            self.flow.to(end * step / count)
            yield self.flow.time

    @property
    def surface(self) -> np.ndarray:
        """Water level (n, cells) [d]; the bed where there is less than a film."""
        depth, bed = self.flow.depth[:, 0], self.beach.bed
        return np.where(depth > FILM, depth + bed, bed)

    def shore(self) -> np.ndarray:
        """Level (n,) [d] at which each member's surface meets the beach now.

        A captured shore is uncertain by a cell or two, so the surface is continued to the bed as
        a straight line through the four landward-most cells deeper than two of the bed's steps,
        at most to the first cell with less than a film.
        """
        bed, x, deep = self.beach.bed, self.beach.x, 2 * self.beach.size / COT_BETA
        levels = []
        for depth in self.flow.depth[:, 0]:
            last = int(np.flatnonzero(depth > deep)[-1])
            part = slice(last - 3, last + 1)
            slope, offset = np.polyfit(x[part], (depth + bed)[part], 1)
            # offset + slope x = -x / cot(beta)
            steepness = 1 + slope * COT_BETA
            dry = bed[min(int(np.flatnonzero(depth > FILM)[-1]) + 1, bed.size - 1)]
            levels.append(min(offset / steepness, dry) if steepness > 0 else dry)
        return np.array(levels)


def highest_shore(waves: SolitaryWaves, end: float, every: float = 0.25) -> np.ndarray:
    """Largest run-up (n,) [d] until `end` [tau]."""
    highest = np.zeros(waves.flow.depth.shape[0])
    for _ in waves.until(end, every):
        highest = np.maximum(highest, waves.shore())
    return highest
