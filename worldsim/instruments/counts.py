"""Counts: how many objects are seen in each frame, grains in a heap say, without following them.

Patches of several discs of one look count by their area; what is too small to be one object, or
part of one that something hides, does not count.
"""

from __future__ import annotations

import numpy as np
import xarray as xr

from worldsim.instruments.linking import Linking, large_enough
from worldsim.instruments.tracks import ColourTracker, frames_of

HALF = 0.5
"""Share of a single object's area from which on a patch counts."""


def count_objects(video: xr.Dataset | np.ndarray, fps: float | None = None,
                  tracker: ColourTracker = ColourTracker()) -> xr.Dataset:
    """Count the objects in every frame.

    Parameters
    ----------
    video, fps : as of `worldsim.instruments.track`.

    Returns
    -------
    ``count`` (case, realization, time) int; ``diameter`` (case, realization) px, the median over
    looks of the diameter of a single disc, NaN where no object is round.

    Raises
    ------
    InputError : no RGB uint8 frames, or no frame rate.
    """
    rgb, times, coords = frames_of(video, fps)
    cases, realizations, frames = rgb.shape[:3]
    count = np.zeros((cases, realizations, frames), dtype=np.int64)
    diameter = np.full((cases, realizations), np.nan)
    for case in range(cases):
        for member in range(realizations):
            _, patches, kinds = tracker.objects(rgb[case, member])
            whole = np.zeros(len(patches), dtype=bool)
            for look, kind in enumerate(kinds):
                if kind is not None:
                    whole |= (patches.look == look) & large_enough(patches, kind,
                                                                   Linking(share=HALF))
            count[case, member] = np.bincount(patches.frame[whole], minlength=frames)
            radii = [kind.radius for kind in kinds if kind is not None and kind.round]
            if radii:
                diameter[case, member] = 2 * np.median(radii)
    dims = ("case", "realization", "time")
    return xr.Dataset(
        {"count": (dims, count, {"units": "1"}),
         "diameter": (dims[:2], diameter, {"units": "px"})},
        coords={**coords, "time": ("time", times, {"units": "s"})},
    )
