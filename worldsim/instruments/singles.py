"""Singles: how one object of a look appears, and patches of several cut into single ones."""

from __future__ import annotations

import dataclasses

import numpy as np
import torch

from worldsim.instruments.blobs import Blobs
from worldsim.instruments.discs import roundness, split, tolerance
from worldsim.instruments.mattes import Mattes
from worldsim.instruments.windows import corners_of, cut

LEAST_RADIUS = 1.3
"""px; smaller patches are single, whatever their outline."""

STOCKY = 1.25
"""Slenderness up to which a patch may be a disc."""


@dataclasses.dataclass(frozen=True)
class Single:
    """One object of a look, seen whole: its area px2, and whether its outline is a disc."""

    area: float
    round: bool

    @property
    def radius(self) -> float:
        """px, of the disc of this area."""
        return float(np.sqrt(self.area / np.pi))


def singles(blobs: Blobs, mattes: Mattes) -> list[Single | None]:
    """For each look what a single object of it looks like; None where it is never seen."""
    whole = np.flatnonzero(~blobs.edge & ~blobs.touching)
    residual = np.full(len(blobs), np.inf)
    stocky = whole[blobs.slenderness[whole] < STOCKY]
    if len(stocky):
        residual[stocky] = residuals(blobs, mattes, stocky)
    found: list[Single | None] = []
    for look in range(len(mattes.looks)):
        mine = np.flatnonzero(blobs.look == look)
        if not len(mine):
            found.append(None)
            continue
        clear = whole[blobs.look[whole] == look]
        allowed = tolerance(np.sqrt(blobs.area[clear] / np.pi))
        discs = clear[residual[clear] < allowed]
        frames = len(np.unique(blobs.frame[clear]))
        if len(discs) >= max(2, 0.5 * frames):
            found.append(Single(float(np.median(blobs.area[discs])), True))
        else:
            found.append(Single(_largest(blobs, clear if len(clear) else mine), False))
    return _as_others(found, blobs, mattes)


TRIALS = 6
"""Patches of a look by which it is judged whether they are several discs together."""


def _as_others(found: list[Single | None], blobs: Blobs, mattes: Mattes) -> list[Single | None]:
    """Looks whose objects are never seen apart, but whose patches are discs of the size that those
    of other looks have, together: as grains in a heap."""
    discs = [kind.area for kind in found if kind is not None and kind.round]
    if 2 * len(discs) < sum(kind is not None for kind in found) or not discs:
        return found  # most are no discs: blocks in a tower that a ball is thrown at
    usual = Single(float(np.median(discs)), True)
    judged = list(found)
    for look, kind in enumerate(found):
        if kind is None or kind.round or kind.area < 0.5 * usual.area:
            continue
        mine = np.flatnonzero(blobs.look == look)
        residuals = []
        for n in mine[:: max(1, len(mine) // TRIALS)]:
            patch, _, _ = _patch(blobs, mattes, int(n))
            centres = split(patch, usual.radius, max(1, round(blobs.area[n] / usual.area)))
            at = [np.arange(length) + 0.5 for length in patch.shape]
            away = np.hypot(at[0][None, :, None] - centres[:, 0, None, None],
                            at[1][None, None, :] - centres[:, 1, None, None]).min(axis=0)
            disc = np.clip(usual.radius - away + 0.5, 0, 1)
            residuals.append(((disc - patch) ** 2).sum() / patch.sum())
        if np.median(residuals) < CROWD_RESIDUAL:
            judged[look] = usual
    return judged


CROWD_RESIDUAL = 0.12
"""Mean squared residual per covered pixel of discs that fill a patch in a crowd, where colours mix
at every edge; a square twice as large leaves 0.2."""


def _patch(blobs: Blobs, mattes: Mattes, n: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Shares (row, column) of a patch with a rim around it, its pixels (k, 2) and their first
    (2,)."""
    at = np.argwhere(blobs.labels[blobs.frame[n]] == n + 1)
    low, high = at.min(axis=0) - 1, at.max(axis=0) + 2
    patch = np.zeros(high - low)
    patch[tuple((at - low).T)] = mattes.share[blobs.frame[n]].numpy()[tuple(at.T)]
    return patch, at, low


def _largest(blobs: Blobs, some: np.ndarray) -> float:
    """Median over the frames of the largest patch's area."""
    largest = np.zeros(blobs.frame[some].max() + 1)
    np.maximum.at(largest, blobs.frame[some], blobs.area[some])
    return float(np.median(largest[largest > 0]))


def residuals(blobs: Blobs, mattes: Mattes, some: np.ndarray) -> np.ndarray:
    """(n,) mean squared residual per covered pixel that discs of their own areas, at their own
    centroids, leave of patches number `some` (n,)."""
    radius = np.sqrt(blobs.area[some] / np.pi)
    residual = np.empty(len(some))
    # Windows of similar size go together.
    for size in np.unique(_side(radius)):
        at = np.flatnonzero(_side(radius) == size)
        place, frame = blobs.position[some[at]], blobs.frame[some[at]]
        corner = corners_of(place, int(size))
        label = cut(torch.from_numpy(blobs.labels), frame, corner, int(size), 0)
        own = label == torch.from_numpy(some[at] + 1)[:, None, None]
        share = cut(mattes.share, frame, corner, int(size), 0.0) * own
        residual[at] = roundness(share, torch.from_numpy(place - corner).float(),
                                 torch.from_numpy(radius[at]).float()).numpy()
    return residual


def _side(radius: np.ndarray) -> np.ndarray:
    """Pixels of a window that holds a disc of a radius with some room: one of a few sizes."""
    return 8 * np.ceil((2 * radius + 4) / 8)


def separated(blobs: Blobs, mattes: Mattes, kinds: list[Single | None]) -> Blobs:
    """The same with patches of several discs of one look cut into single ones."""
    merged = [n for n in range(len(blobs)) if _count(blobs, kinds, n) > 1]
    if not merged:
        return blobs
    labels = blobs.labels.copy()
    rows: dict[str, list[np.ndarray]] = {name: [] for name in _COLUMNS}
    fresh = len(blobs)
    for n in merged:
        kind = kinds[blobs.look[n]]
        assert kind is not None
        patch, at, low = _patch(blobs, mattes, n)
        inner = tuple((at - low).T)
        centres = split(patch, kind.radius, _count(blobs, kinds, n)) + low
        owner = np.linalg.norm(at[:, None] + 0.5 - centres, axis=-1).argmin(axis=1)
        labels[blobs.frame[n]][tuple(at.T)] = fresh + 1 + owner
        fresh += len(centres)
        own = np.bincount(owner, weights=patch[inner], minlength=len(centres))
        one = np.ones(len(centres))
        rows["frame"].append(blobs.frame[n] * one.astype(np.int64))
        rows["look"].append(blobs.look[n] * one.astype(np.int64))
        rows["area"].append(own)
        rows["position"].append(centres)
        rows["moments"].append(np.tile(np.eye(2) * kind.radius**2 / 4, (len(centres), 1, 1)))
        rows["edge"].append(blobs.edge[n] & one.astype(bool))
        rows["touching"].append(blobs.touching[n] & one.astype(bool))
    keep = np.setdiff1d(np.arange(len(blobs)), merged)
    every = {name: np.concatenate([getattr(blobs, name), *rows[name]]) for name in _COLUMNS}
    chosen = np.concatenate([keep, np.arange(len(blobs), fresh)])
    chosen = chosen[np.argsort(every["frame"][chosen], kind="stable")]
    number = np.zeros(fresh + 1, dtype=np.int32)
    number[chosen + 1] = np.arange(len(chosen)) + 1
    return Blobs(**{name: values[chosen] for name, values in every.items()},
                 labels=number[labels])


_COLUMNS = ("frame", "look", "area", "position", "moments", "edge", "touching")


def _count(blobs: Blobs, kinds: list[Single | None], n: int) -> int:
    """How many discs of its look a patch holds by its area."""
    kind = kinds[blobs.look[n]]
    if kind is None or not kind.round or kind.radius < LEAST_RADIUS:
        return 1
    return max(1, round(blobs.area[n] / kind.area))
