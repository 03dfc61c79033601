"""Amodal positions: the centre of the whole object, from the part of it that is seen."""

from __future__ import annotations

import numpy as np
import torch
from scipy import ndimage

from worldsim.instruments.blobs import Blobs
from worldsim.instruments.discs import fit_discs, tolerance
from worldsim.instruments.mattes import Mattes, dilated
from worldsim.instruments.singles import Single, residuals
from worldsim.instruments.windows import corners_of, cut

WHOLE = 0.94
"""Share of the usual area from which on an object is seen whole."""

BESIDE = 5
"""Frames on each side in which an object hardly grows or shrinks in perspective."""

STEADY = 12
"""Frames on each side over which an object's whole area is taken to be the same."""


def whole_areas(area: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """(time, object) px2: area of the whole object where it is seen.

    Between instants at which it is seen whole, linear in time (a perspective camera sees it grow);
    of an object that never is, a high rank of the frames around: what is hidden is missing, and
    noise adds little.

    Parameters
    ----------
    area : (time, object) px2 that is seen; NaN where nothing is. whole : (time, object) bool.
    """
    if not area.size:
        return area
    filled = np.nan_to_num(area, nan=-1.0)
    result = ndimage.percentile_filter(filled, 80, size=(2 * STEADY + 1, 1), mode="nearest")
    result = np.where(result > 0, result, np.fmax.reduce(area, axis=0))
    frames = np.arange(len(area))
    for number in range(area.shape[1]):
        known = np.flatnonzero(whole[:, number])
        if len(known):
            # One that little is cut of still looks round, but smaller than just before or after.
            rounded = np.where(whole[:, number], area[:, number], 0.0)
            largest = ndimage.maximum_filter1d(rounded, 2 * BESIDE + 1, mode="nearest")
            known = known[rounded[known] >= WHOLE * largest[known]]
            steady = ndimage.median_filter(rounded[known], size=5, mode="nearest")
            result[:, number] = np.interp(frames, known, steady)
    return np.where(np.isfinite(area), result, np.nan)


def amodal(blobs: Blobs, blob: np.ndarray, look: np.ndarray, mattes: Mattes,
           kinds: list[Single | None]) -> tuple[np.ndarray, np.ndarray]:
    """Positions (time, object, [row, column]) px of whole objects, and their areas (time, object).

    Where a disc is partly hidden, cut by the picture's edge or next to others, a disc of its usual
    radius is fitted to what is seen of it; else the position is the centroid.

    Parameters
    ----------
    blob : (time, object) int, -1 where not seen. look : (object,).
    """
    seen = blob >= 0
    taken = np.maximum(blob, 0)
    if not len(blobs) or not seen.any():
        return np.full((*blob.shape, 2), np.nan), np.full(blob.shape, np.nan)
    position = np.where(seen[..., None], blobs.position[taken], np.nan)
    area = np.where(seen, blobs.area[taken], np.nan)
    clear = seen & ~blobs.edge[taken] & ~blobs.touching[taken]
    discs = np.array([kinds[one] is not None and kinds[one].round  # type: ignore[union-attr]
                      for one in look], dtype=bool)
    round_ = np.zeros(blob.shape, dtype=bool)
    judged = clear & discs[None]
    if judged.any():
        numbers = blob[judged]
        allowed = tolerance(np.sqrt(blobs.area[numbers] / np.pi))
        round_[judged] = residuals(blobs, mattes, numbers) < allowed
    whole = whole_areas(np.where(clear, area, np.nan), round_)
    whole = np.where(np.isfinite(whole), whole, whole_areas(area, round_))
    fitted = seen & discs[None] & (~clear | (area < WHOLE * whole))
    frame, column = np.nonzero(fitted)
    if len(frame):
        radius = np.sqrt(whole[fitted] / np.pi)
        position[fitted] = _fit(mattes, blobs, frame, blob[fitted] + 1, look[column],
                                position[fitted], radius)
    return position, whole


def _fit(mattes: Mattes, blobs: Blobs, frame: np.ndarray, label: np.ndarray, look: np.ndarray,
         start: np.ndarray, radius: np.ndarray) -> np.ndarray:
    found = np.empty_like(start)
    sides = (8 * np.ceil((3 * radius + 5) / 8)).astype(int)
    labels = torch.from_numpy(blobs.labels)
    for side in np.unique(sides):
        at = np.flatnonzero(sides == side)
        corner = corners_of(start[at], int(side))
        window = cut(labels, frame[at], corner, int(side), -1)
        own = window == torch.from_numpy(label[at])[:, None, None]
        share = cut(mattes.share, frame[at], corner, int(side), 0.0)
        # Next to another object colours are mixed, and what it covers cannot be seen.
        other = (window != 0) & ~own & ((share > 0.3) | (window < 0))
        first = torch.from_numpy(start[at] - corner).float()
        place = fit_discs(share * own, ~dilated(other), first,
                          torch.from_numpy(radius[at]).float())
        found[at] = place.numpy() + corner
    return found
