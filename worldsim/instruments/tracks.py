"""Tracks: where every object of a video is in each frame, and how it moves.

>>> tracks = track(video)                 # /video/<camera> of a rollout: times are in it
>>> tracks = track(frames, fps=25)        # (time, row, column, 3) uint8, or (…, time, row, …)
>>> tracks = track(video, tracker=mine)   # any `Tracker`, a learned one say

The result is an `xarray.Dataset` with dims (case, realization, time, object); a plain array of
frames is case 0, realization 0. Objects are numbered by look (hue), those of one look by where
they are first seen, from left to right. Cases with fewer objects than others have slots that are
never seen. Coordinates: ``time`` s, ``rc`` = row, column. Positions are continuous pixels: row 0
is the picture's upper edge, column 0 its left one.

==============  ==============================  ==================================================
variable        dims                            meaning, unit
==============  ==============================  ==================================================
position        case, realization, time,        px; centre of the whole object, also of what is
                object, rc                      hidden of it
velocity        as position                     px/s; `worldsim.instruments.motion.velocities`
area            case, realization, time,        px2 of the visible part
                object
visible         as area                         share of the object that is seen, 0 to 1
extent          …, object, rc                   px; height and width of the visible part
orientation     as area                         rad, of the long axis: from the right (0) towards
                                                down (pi/2), modulo pi; NaN of what is round
kink            as area                         s; when its velocity jumped between the frame before
                                                and this one; else NaN
seen            as area                         bool; False: all other variables are NaN
colour          case, realization, object, rgb  0..255, in mean light; NaN of empty slots
found           case, realization, object       bool; False: an empty slot
==============  ==============================  ==================================================

What is not seen is NaN, never a guess.
"""

from __future__ import annotations

import dataclasses
from typing import Protocol

import numpy as np
import torch
import xarray as xr

from worldsim.errors import InputError
from worldsim.instruments.amodal import amodal
from worldsim.instruments.blobs import Blobs, find_blobs
from worldsim.instruments.kinks import kinks
from worldsim.instruments.linking import Linking, link
from worldsim.instruments.looks import Palette
from worldsim.instruments.mattes import Mattes, mattes
from worldsim.instruments.motion import velocities
from worldsim.instruments.singles import Single, separated, singles
from worldsim.rollout import VIDEO_DIMS

UNEVEN = 0.01
"""Spread of the times between frames, over the first, that still counts as a constant rate."""

ROUND = 1.2
"""Ratio of the axes below which an outline has no orientation: a square's has none, and noise in
a small disc reaches this."""


CLEAR = 0.6
"""Visible share from which on an object's place is good enough to tell kinks by."""


@dataclasses.dataclass(frozen=True)
class Tracks:
    """What a `Tracker` says about one video; NaN where an object is not seen.

    position : (time, object, [row, column]) px, continuous.
    area : (time, object) px2. visible : (time, object) share, 0..1.
    extent : (time, object, [height, width]) px. orientation : (time, object) rad, or NaN.
    colour : (object, rgb) 0..255.
    """

    position: np.ndarray
    area: np.ndarray
    visible: np.ndarray
    extent: np.ndarray
    orientation: np.ndarray
    colour: np.ndarray


class Tracker(Protocol):
    """Anything that follows objects: give one to `track` to use it instead of colour."""

    def __call__(self, rgb: np.ndarray, fps: float) -> Tracks:
        """Tracks of one video (time, row, column, 3) uint8 at `fps` frames per second."""
        ...


@dataclasses.dataclass(frozen=True)
class ColourTracker:
    """Follows objects of saturated colour before a dull backdrop.

    palette : how colours are told apart. linking : how motion tells objects of one look apart.
    """

    palette: Palette = Palette()
    linking: Linking = Linking()

    def objects(self, rgb: np.ndarray) -> tuple[Mattes, Blobs, list[Single | None]]:
        """Mattes, a patch per object and frame, and how single objects of each look appear, of one
        video (time, row, column, 3) uint8: all but who is who."""
        found = mattes(torch.from_numpy(np.ascontiguousarray(rgb)), palette=self.palette)
        patches = find_blobs(found)
        kinds = singles(patches, found)
        return found, separated(patches, found, kinds), kinds

    def __call__(self, rgb: np.ndarray, fps: float) -> Tracks:
        found, patches, kinds = self.objects(rgb)
        blob, look = link(patches, kinds, len(rgb), self.linking)
        position, whole = amodal(patches, blob, look, found, kinds)
        return _tracks_of(patches, blob, position, whole, found.looks.colour.numpy()[look])


def _tracks_of(blobs: Blobs, blob: np.ndarray, position: np.ndarray, whole: np.ndarray,
               colour: np.ndarray) -> Tracks:
    seen = blob >= 0

    def of(values: np.ndarray) -> np.ndarray:
        if not len(blobs):
            return np.full((*blob.shape, *values.shape[1:]), np.nan)
        taken = values[np.maximum(blob, 0)].astype(np.float64)
        return np.where(seen.reshape(*seen.shape, *[1] * (taken.ndim - 2)), taken, np.nan)

    area = of(blobs.area)
    order = _from_left(position, colour)
    angle = np.where(blobs.slenderness > ROUND, blobs.orientation, np.nan)
    # The extent of the disc or bar with these moments; of a disc, 4 standard deviations.
    extent = 4 * np.sqrt(np.stack([blobs.moments[:, 0, 0], blobs.moments[:, 1, 1]], axis=-1))
    return Tracks(
        position=position[:, order], area=area[:, order],
        visible=np.minimum(area / whole, 1.0)[:, order], extent=of(extent)[:, order],
        orientation=of(angle)[:, order], colour=colour[order],
    )


def _from_left(position: np.ndarray, colour: np.ndarray) -> np.ndarray:
    """The order of objects: looks stay together, within each by where they are first seen."""
    if not position.size:
        return np.arange(position.shape[1])
    first = np.argmax(np.isfinite(position[..., 1]), axis=0)
    column = position[first, np.arange(position.shape[1]), 1]
    _, look = np.unique(colour, axis=0, return_inverse=True)
    started = np.array([np.flatnonzero(look == one)[0] for one in look])
    return np.lexsort((column, started))


def track(video: xr.Dataset | np.ndarray, fps: float | None = None,
          tracker: Tracker = ColourTracker()) -> xr.Dataset:
    """Follow all objects of every video; see the module's table for what is returned.

    Parameters
    ----------
    video : `/video/<camera>` with ``rgb (case, realization, time, row, column, channel)`` uint8,
        or an array (time, row, column, 3), or with one or two dims before these.
    fps : frames per second; needed for an array, taken from ``time`` of a data set.
    tracker : what follows the objects.

    Raises
    ------
    InputError : no RGB uint8 frames, or no frame rate.
    """
    rgb, times, coords = frames_of(video, fps)
    cases, realizations = rgb.shape[:2]
    if len(times) > 1:
        rate = float(1.0 / (times[1] - times[0]))
    else:
        rate = float(fps if fps is not None else video.attrs["fps"])  # type: ignore[union-attr]
    members = [[tracker(rgb[case, member], rate) for member in range(realizations)]
               for case in range(cases)]
    slots = max(one.position.shape[1] for row in members for one in row)

    def stacked(name: str, axis: int) -> np.ndarray:
        return np.stack([np.stack([_padded(getattr(one, name), slots, axis) for one in row])
                         for row in members])

    position = stacked("position", 1)
    over_time = np.moveaxis(position, 2, 0)
    # What is mostly hidden is placed less well, and would seem to be knocked about.
    visible = np.moveaxis(stacked("visible", 1), 2, 0)
    kink = kinks(np.where((visible > CLEAR)[..., None], over_time, np.nan))
    velocity = np.moveaxis(velocities(over_time, rate, kink), 0, 2)
    dims = ("case", "realization", "time", "object")
    seen = np.isfinite(position).all(axis=-1)
    return xr.Dataset(
        {
            "position": ((*dims, "rc"), position, {"units": "px"}),
            "velocity": ((*dims, "rc"), velocity, {"units": "px s-1"}),
            "area": (dims, stacked("area", 1), {"units": "px2"}),
            "visible": (dims, stacked("visible", 1), {"units": "1"}),
            "extent": ((*dims, "rc"), stacked("extent", 1), {"units": "px"}),
            "orientation": (dims, stacked("orientation", 1), {"units": "rad"}),
            "kink": (dims, np.moveaxis(kink, 0, 2) / rate + times[0], {"units": "s"}),
            "seen": (dims, seen, {"units": "1"}),
            "colour": (("case", "realization", "object", "rgb"), stacked("colour", 0)),
            "found": (("case", "realization", "object"), seen.any(axis=2), {"units": "1"}),
        },
        coords={**coords, "time": ("time", times, {"units": "s"}),
                "object": np.arange(slots), "rc": ["row", "column"]},
        attrs={"fps": rate, "rows": rgb.shape[3], "columns": rgb.shape[4]},
    )


def _padded(values: np.ndarray, slots: int, axis: int) -> np.ndarray:
    width = [(0, 0)] * values.ndim
    width[axis] = (0, slots - values.shape[axis])
    return np.pad(values.astype(np.float64), width, constant_values=np.nan)


def frames_of(video: xr.Dataset | np.ndarray, fps: float | None
              ) -> tuple[np.ndarray, np.ndarray, dict[str, tuple[str, np.ndarray]]]:
    """Frames (case, realization, time, row, column, 3), times (s) and the members' coordinates.

    Raises
    ------
    InputError : no RGB uint8 frames, or no frame rate.
    """
    if isinstance(video, xr.Dataset):
        rgb = video["rgb"]
        if tuple(rgb.dims) != VIDEO_DIMS:
            raise InputError(f"video has dims {tuple(rgb.dims)}; give {VIDEO_DIMS}")
        frames, times = rgb.values, video["time"].values.astype(np.float64)
        steps = np.diff(times)
        if len(steps) and not (steps[0] > 0 and np.ptp(steps) <= UNEVEN * steps[0]):
            raise InputError(
                f"the video's times are {steps.min():.3g} to {steps.max():.3g} s apart; give "
                "frames at a constant rate")
        if fps is None and not np.isfinite(video.attrs.get("fps", np.nan)) and not len(steps):
            raise InputError("one frame without a rate: give fps, the frames per second")
        coords = {name: (name, video[name].values) for name in ("case", "realization")
                  if name in video.coords}
    else:
        frames = np.asarray(video)
        if not 4 <= frames.ndim <= 6:
            raise InputError(f"video has shape {frames.shape}; give (time, row, column, 3), or "
                             "with cases and realizations before")
        frames = frames.reshape((1,) * (6 - frames.ndim) + frames.shape)
        if fps is None or not (np.isfinite(fps) and 0 < fps <= 1e6):
            raise InputError(f"fps={fps}: give the frames per second, above 0")
        times, coords = np.arange(frames.shape[2]) / fps, {}
    if frames.dtype != np.uint8 or frames.shape[-1] != 3:
        raise InputError(f"video has shape {frames.shape} and dtype {frames.dtype}; give RGB "
                         "frames (…, row, column, 3) uint8 (repeat grey three times, drop alpha)")
    if 0 in frames.shape:
        raise InputError(f"video of shape {frames.shape} has no pixel; give at least one frame")
    return frames, times, coords
