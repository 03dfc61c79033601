"""Buildings read from overhead video: where they are in the first frame, and which still stand.

A roof is a compact patch that is neither water, nor debris, nor green, nor the beach. A building
that comes down leaves its place: its roof is pushed off its footprint, or water shows there.
"""

from __future__ import annotations

import dataclasses

import numpy as np
import xarray as xr
from scipy import ndimage

from worldsim.instruments.appearance import chroma
from worldsim.instruments.debris import colour_weights
from worldsim.instruments.ground import GroundGrid
from worldsim.instruments.wetness import wet_mask


@dataclasses.dataclass(frozen=True)
class BuildingAppearance:
    """By what roofs are known.

    greenness : most (2 green - red - blue) / (red + green + blue) of a roof; grass has 0.15.
    least_area, most_area : m2 of a footprint.
    compactness : least share of its bounding box that a roof fills.
    slenderness : greatest length of a roof over its width; a seawall is longer.
    tolerance : greatest change of a roof pixel's colour (any light), on the scale of 0..255, that
        still counts as the same roof.
    remaining : share of the footprint that must still show roof.
    most : slots in the result.
    """

    greenness: float = 0.08
    least_area: float = 40.0
    most_area: float = 260.0
    compactness: float = 0.7
    slenderness: float = 4.0
    tolerance: float = 22.0
    remaining: float = 0.88
    most: int = 16


def footprints(frame: np.ndarray, grid: GroundGrid,
               settings: BuildingAppearance = BuildingAppearance()) -> np.ndarray:
    """Rectangles of the roofs in one frame.

    Parameters
    ----------
    frame : (row, column, 3) uint8.

    Returns
    -------
    (building, [row0, row1, column0, column1]) int, half open, ordered from the sea inland.
    """
    values = frame.astype(np.float32)
    total = np.maximum(values.sum(axis=-1), 1.0)
    greenness = (2 * values[..., 1] - values[..., 0] - values[..., 2]) / total
    debris = _near_debris(frame)
    roof = (greenness < settings.greenness) & ~wet_mask(frame) & ~debris
    labels, _ = ndimage.label(roof)
    found = []
    for index, block in enumerate(ndimage.find_objects(labels), start=1):
        height, width = (part.stop - part.start for part in block)
        area = height * width * grid.pitch**2
        filled = (labels[block] == index).mean()
        sized = settings.least_area <= area <= settings.most_area
        stocky = max(height, width) <= settings.slenderness * min(height, width)
        if sized and stocky and filled >= settings.compactness:
            rows, columns = block
            found.append((rows.start, rows.stop, columns.start, columns.stop))
    found.sort(key=lambda box: (box[2], box[0]))
    return np.array(found[: settings.most], dtype=int).reshape(-1, 4)


def _near_debris(rgb: np.ndarray) -> np.ndarray:
    """Pixels (…, row, column) of debris, and next to it where colours mix."""
    debris = (colour_weights(rgb) > 0).any(axis=0)
    cross = ndimage.generate_binary_structure(2, 1)
    return ndimage.binary_dilation(debris, cross.reshape((1,) * (debris.ndim - 2) + cross.shape))


def _standing(frames: np.ndarray, box: np.ndarray, settings: BuildingAppearance) -> np.ndarray:
    """(time,) bool: whether the footprint still shows the first frame's roof."""
    row0, row1, column0, column1 = box
    patch = frames[:, row0:row1, column0:column1]
    visible = ~_near_debris(patch)
    tint = chroma(patch)
    roof = np.median(tint[0][visible[0]], axis=0)
    same = (np.linalg.norm(tint - roof, axis=-1) < settings.tolerance) & visible
    count = visible.sum(axis=(1, 2))
    share = same.sum(axis=(1, 2)) / np.maximum(count, 1)
    # A roof that debris hides is judged when it is seen again.
    known = np.flatnonzero(count >= 0.4 * visible[0].size)
    share = share[known[np.maximum(np.searchsorted(known, np.arange(len(share)), "right") - 1, 0)]]
    # Noise lasts a frame; a collapse lasts.
    steady = ndimage.median_filter(share, size=min(3, len(share)), mode="nearest")
    return steady >= settings.remaining


def observe_buildings(video: xr.Dataset,
                      settings: BuildingAppearance = BuildingAppearance()) -> xr.Dataset:
    """Find the buildings in the first frame and tell which stand in every frame.

    Parameters
    ----------
    video : `/video/<camera>` with ``rgb (case, realization, time, row, column, channel)`` uint8
        of an orthographic camera.

    Returns
    -------
    ``footprint`` (case, realization, building, bound) m, NaN for empty slots; ``standing``
    (case, realization, time, building) bool, False for empty slots; ``count``
    (case, realization, time), standing buildings.

    Raises
    ------
    InputError : not an orthographic RGB video.
    """
    grid = GroundGrid.of(video)
    rgb = video["rgb"].values
    cases, realizations, times = rgb.shape[:3]
    footprint = np.full((cases, realizations, settings.most, 4), np.nan)
    standing = np.zeros((cases, realizations, times, settings.most), dtype=bool)
    for case in range(cases):
        for member in range(realizations):
            boxes = footprints(rgb[case, member, 0], grid, settings)
            for index, box in enumerate(boxes):
                row0, row1, column0, column1 = box
                half = grid.pitch / 2
                footprint[case, member, index] = (
                    grid.x[column0] - half, grid.x[column1 - 1] + half,
                    grid.y[row1 - 1] - half, grid.y[row0] + half,
                )
                standing[case, member, :, index] = _standing(rgb[case, member], box, settings)
    members = {name: (name, video[name].values) for name in ("case", "realization")
               if name in video.coords}
    dims = ("case", "realization", "time", "building")
    return xr.Dataset(
        {
            "footprint": (("case", "realization", "building", "bound"), footprint,
                          {"units": "m"}),
            "standing": (dims, standing, {"units": "1"}),
            "count": (dims[:3], standing.sum(axis=-1), {"units": "1"}),
        },
        coords={**members, "time": ("time", video["time"].values, {"units": "s"}),
                "bound": ["x0", "x1", "y0", "y1"]},
    )
