"""Linking: which blob of each frame is which object, by look, and by motion within a look."""

from __future__ import annotations

import dataclasses

import numpy as np
from scipy.optimize import linear_sum_assignment

from worldsim.instruments.blobs import Blobs
from worldsim.instruments.singles import Single


@dataclasses.dataclass(frozen=True)
class Linking:
    """How objects of one look are followed.

    share : of the usual area that a blob needs to count as one object.
    edge_on : the same of what is as long as the object usually is across, and not round: a plate
        or a wheel that turns its edge to the camera.
    reach : greatest deviation from the predicted place, in diameters of the object, plus `slack`
        pixels; it grows with each frame without being seen.
    slack : px.
    """

    share: float = 0.3
    edge_on: float = 0.1
    reach: float = 1.5
    slack: float = 2.0


def link(blobs: Blobs, kinds: list[Single | None], frames: int,
         settings: Linking = Linking()) -> tuple[np.ndarray, np.ndarray]:
    """Follow every object through the frames.

    Parameters
    ----------
    kinds : what a single object of each look looks like.

    Returns
    -------
    blob (time, object) int, -1 where an object is not seen; look (object,) int.
    """
    columns, owners = [], []
    for look, kind in enumerate(kinds):
        if kind is None:
            continue
        mine = np.flatnonzero((blobs.look == look) & large_enough(blobs, kind, settings))
        count = _count(blobs.frame[mine], frames) if len(mine) else 0
        columns.append(_follow(blobs, mine, count, frames, kind.area, settings))
        owners.append(np.full(count, look))
    if not columns:
        return np.full((frames, 0), -1), np.zeros(0, dtype=np.int64)
    return np.concatenate(columns, axis=1), np.concatenate(owners)


def large_enough(blobs: Blobs, kind: Single, settings: Linking) -> np.ndarray:
    """(blob,) bool: which blobs are large enough for an object of that kind."""
    large = blobs.area >= settings.share * kind.area
    if kind.round:
        return large
    # A bar of some length has its second moment at a twelfth of the length squared.
    length = np.sqrt(12 * np.linalg.eigvalsh(blobs.moments)[:, 1]) if len(blobs) else np.zeros(0)
    long = ~blobs.edge & ~blobs.touching & (length >= 2 * kind.radius)
    return large | (long & (blobs.area >= settings.edge_on * kind.area))


def _count(frame: np.ndarray, frames: int) -> int:
    """Objects of a look: as many as are seen apart in more than a few frames."""
    per_frame = np.sort(np.bincount(frame, minlength=frames))
    seen = per_frame[per_frame > 0]
    return int(seen[max(0, int(0.9 * len(seen)) - 1)])


def _follow(blobs: Blobs, mine: np.ndarray, count: int, frames: int, usual: float,
            settings: Linking) -> np.ndarray:
    chosen = np.full((frames, count), -1)
    place = np.full((count, 2), np.nan)
    speed = np.zeros((count, 2))
    unseen = np.zeros(count)
    radius = settings.reach * 2 * np.sqrt(usual / np.pi) + settings.slack
    bounds = np.searchsorted(blobs.frame[mine], np.arange(frames + 1))
    for frame in range(frames):
        here = mine[bounds[frame] : bounds[frame + 1]]
        if not len(here):
            unseen += 1
            continue
        known = np.isfinite(place[:, 0])
        predicted = place + speed * (unseen + 1)[:, None]
        gap = np.linalg.norm(blobs.position[here][:, None] - predicted[None], axis=-1)
        gap /= (1 + 0.5 * unseen)[None]
        # A slot without a past takes what no other wants.
        cost = np.where(known[None], np.where(gap < radius, gap, 1e3), 3 * radius)
        for row, column in zip(*linear_sum_assignment(cost), strict=True):
            if cost[row, column] >= 1e3:
                continue
            blob = here[row]
            chosen[frame, column] = blob
            moved = blobs.position[blob]
            if known[column]:
                speed[column] = (moved - place[column]) / (unseen[column] + 1)
            place[column] = moved
            unseen[column] = -1
        unseen += 1
    return chosen
