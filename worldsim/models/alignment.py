"""From a video of any rate, size and length to the frames that a query asks for, with a record.

Nothing is blended in time: a frame between two others would show everything twice, and an
instrument would find neither. Every instant takes the frame that is nearest to it.
"""

from __future__ import annotations

import dataclasses

import numpy as np
from PIL import Image

from worldsim.errors import InputError
from worldsim.video_reading import Video

SHORTER = 0.02
"""Share of the asked duration that may be missing at the end, if that is more than a frame."""

ASPECT = 0.02
"""Difference in aspect up to which a video is stretched. Beyond, it is cropped: a stretched ball is
no ball. The row or column that codecs add to odd sizes is less than this from 51 on."""

_TIE = 1e-3
"""Of a frame: rates read from files are exact to about that."""


@dataclasses.dataclass(frozen=True)
class Alignment:
    """How one video file was made to fit.

    rows, columns, fps, frames : of the file.
    start : s, the instant that its first frame shows.
    largest_offset : s between an instant asked for and the frame that stands for it.
    held : frames at the end that are the file's last one again.
    cut : s at the file's end that were not asked for.
    cropped : share of its width or height that was cut off, half on either side.
    resampling : "none", "area" (smaller), "bicubic" (larger) or "area and bicubic".
    notes : in words, what a reader of scores should know.
    """

    case: str
    camera: str
    realization: int
    file: str
    sha256: str
    rows: int
    columns: int
    fps: float
    frames: int
    start: float
    largest_offset: float
    held: int
    cut: float
    cropped: float
    resampling: str
    notes: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)
class TimeFit:
    """Which frame stands for each instant, and what that costs; see `Alignment`.

    index : (time,) int, frames of the file.
    """

    index: np.ndarray
    largest_offset: float
    held: int
    cut: float


def fit_time(count: int, video_fps: float, frames: int, fps: float) -> TimeFit:
    """The frames of a video of `count` that are nearest to the instants k / fps, k < `frames`.

    Of two that are equally near the earlier is taken.

    Raises
    ------
    InputError : the video is shorter than asked by more than a frame and `SHORTER`.
    """
    if count == 1 and not np.isfinite(video_fps):
        video_fps = fps  # a single picture without a rate
    lasts, asked = count / video_fps, frames / fps
    if asked - lasts > max(1 / fps, SHORTER * asked) * (1 + _TIE):
        raise InputError(
            f"lasts {lasts:.3g} s ({count} frames at {video_fps:.4g} frames/s), {asked:.3g} s are "
            "needed; make it longer"
        )
    instants = np.arange(frames) / fps
    nearest = np.ceil(instants * video_fps - 0.5 - _TIE).astype(int)
    index = np.clip(nearest, 0, count - 1)
    beyond = instants * video_fps > count - _TIE
    offset = np.abs(index / video_fps - instants)
    return TimeFit(index, float(offset.max(initial=0.0)), int(beyond.sum()),
                   max(lasts - asked, 0.0))


def crop_box(size: tuple[int, int], asked: tuple[int, int]) -> tuple[float, float, float, float]:
    """The centred part (left, top, right, bottom), in pixels, of a picture of `size` (rows,
    columns) that has the aspect of `asked`; all of it where the aspects differ by `ASPECT` or less.
    """
    rows, columns = size
    wide = (columns / rows) / (asked[1] / asked[0])
    width, height = float(columns), float(rows)
    if wide > 1 + ASPECT:
        width = columns / wide
    elif wide < 1 / (1 + ASPECT):
        height = rows * wide
    left, top = (columns - width) / 2, (rows - height) / 2
    return left, top, left + width, top + height


def fit_size(frames: np.ndarray, asked: tuple[int, int]) -> tuple[np.ndarray, str, float]:
    """Frames (time, row, column, 3) uint8 at another size (rows, columns).

    Each axis by itself: by the mean over the area of a pixel where it gets shorter, bicubic where
    it gets longer.

    Returns
    -------
    (frames, resampling, cropped); see `Alignment`.
    """
    size = (frames.shape[1], frames.shape[2])
    if size == tuple(asked):
        return frames, "none", 0.0
    left, top, right, bottom = crop_box(size, asked)
    across, down = _filter(right - left, asked[1]), _filter(bottom - top, asked[0])
    result = np.empty((len(frames), *asked, 3), np.uint8)
    for frame, fitted in zip(frames, result, strict=True):
        narrow = Image.fromarray(frame).resize(
            (asked[1], size[0]), across, box=(left, 0, right, size[0]))
        fitted[:] = np.asarray(narrow.resize(
            (asked[1], asked[0]), down, box=(0, top, asked[1], bottom)))
    words = {Image.Resampling.BOX: "area", Image.Resampling.BICUBIC: "bicubic"}
    name = " and ".join(word for kind, word in words.items() if kind in (across, down))
    cropped = 1 - min((right - left) / size[1], (bottom - top) / size[0])
    return result, name, cropped


def _filter(length: float, asked: int) -> Image.Resampling:
    return Image.Resampling.BOX if asked <= length else Image.Resampling.BICUBIC


def aligned(
    video: Video, *, frames: int, fps: float, size: tuple[int, int], start: float, case: str,
    camera: str, realization: int, file: str, sha256: str,
) -> tuple[np.ndarray, Alignment]:
    """A video as (time, row, column, 3) uint8 of `frames` frames at `fps` and `size`, and how.

    Raises
    ------
    InputError : it is too short; the message goes on from the file's name.
    """
    count, rows, columns = video.frames.shape[:3]
    time = fit_time(count, video.fps, frames, fps)
    needed, back = np.unique(time.index, return_inverse=True)
    fitted, resampling, cropped = fit_size(video.frames[needed], size)
    notes = list(video.notes)
    if cropped:
        notes.append(
            f"a picture of {rows}x{columns} was cropped by {cropped:.0%} to the aspect of "
            f"{size[0]}x{size[1]}"
        )
    if time.held:
        notes.append(f"the last frame is shown for {time.held} more")
    return fitted[back], Alignment(
        case, camera, realization, file, sha256, rows, columns, float(video.fps), count,
        start, time.largest_offset, time.held, time.cut, cropped, resampling, tuple(notes),
    )
