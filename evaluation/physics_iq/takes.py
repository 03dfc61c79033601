"""Videos from files as the published program reads them: decoded, shrunk and masked by OpenCV.

Its numbers depend on how OpenCV decodes, resizes and stores, so this calls the same functions. A
mask goes through a lossy MPEG-4 file before it is shrunk and counts from grey level 128 on; that is
part of the published numbers and done here too. Frames are streamed: real takes have 3840 x 2160
pixels.
"""

from __future__ import annotations

import dataclasses
import importlib
import itertools
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from evaluation.physics_iq.masks import ALPHA, SIDE, THRESHOLD
from worldsim.errors import InputError

SHRINK = 4
"""Frames are compared at this part of the real take's rows and columns."""

_WHITE = 127


@dataclasses.dataclass(frozen=True)
class Header:
    """What a file says of itself: frames per second, their number, rows and columns."""

    fps: float
    frames: int
    size: tuple[int, int]

    @property
    def whole_fps(self) -> int | None:
        """The rate, if it is a whole number."""
        near = round(self.fps)
        return near if near >= 1 and abs(self.fps - near) < 1e-3 else None


@dataclasses.dataclass(frozen=True)
class Shrunk:
    """A video at the size of comparison.

    frames : (time, row, column, 3) uint8. masks : (time, row, column, 3) bool.
    """

    frames: np.ndarray
    masks: np.ndarray


def opencv() -> Any:
    """The module cv2.

    Raises
    ------
    InputError : it is not installed.
    """
    try:
        return importlib.import_module("cv2")
    except ImportError:
        raise InputError("Physics-IQ's real takes are read by OpenCV, which is not installed: run "
                         "`pip install opencv-python-headless`") from None


def header_of(path: Path) -> Header:
    """What the file says.

    Raises
    ------
    InputError : no such file, an empty one, or not a video.
    """
    cv2 = opencv()
    if not path.is_file():
        raise InputError(f"{path} does not exist")
    if path.stat().st_size == 0:
        raise InputError(f"{path} is empty (0 bytes); write it again")
    source = cv2.VideoCapture(str(path))
    try:
        if not source.isOpened():
            raise InputError(f"{path} is not a video that OpenCV can read; write it again as mp4")
        return Header(
            float(source.get(cv2.CAP_PROP_FPS)), int(source.get(cv2.CAP_PROP_FRAME_COUNT)),
            (int(source.get(cv2.CAP_PROP_FRAME_HEIGHT)), int(source.get(cv2.CAP_PROP_FRAME_WIDTH))),
        )
    finally:
        source.release()


def comparison_size(header: Header) -> tuple[int, int]:
    """Rows and columns at which a case is compared: a quarter of its first take's."""
    rows, columns = header.size
    if min(rows, columns) < SHRINK:
        raise InputError(f"a real take of {columns} x {rows} pixels has no quarter; give at least "
                         f"{SHRINK} x {SHRINK}")
    return rows // SHRINK, columns // SHRINK


def read_shrunk(path: Path, size: tuple[int, int], count: int, fps: int,
                masks: Path | None = None, have: int | None = None) -> Shrunk:
    """The first frames of a video and their motion masks, at the size of comparison.

    Parameters
    ----------
    size : rows, columns. count : number of frames. fps : of the comparison.
    masks : a file with the masks; made from the video if None.
    have : so many frames of the file last as long as `count`, where its rate is not `fps`: they are
        interpolated, see `resampled`.

    Raises
    ------
    InputError : the file or its masks are short or damaged.
    """
    cv2 = opencv()
    shown = _decoded(path, have or count)
    if have not in (None, count):
        shown = resampled(shown, have, count)
    small = []
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "masks.mp4"
        if masks is None:
            writer = None
            for frame, mask in _masked(shown):
                if writer is None:
                    writer = _mask_writer(target, fps, mask.shape)
                writer.write(mask)
                small.append(cv2.resize(frame, size[::-1]))
            assert writer is not None
            writer.release()
        else:
            small = [cv2.resize(frame, size[::-1]) for frame in shown]
        read = [cv2.resize(mask, size[::-1]) > _WHITE for mask in _decoded(masks or target, count)]
    return Shrunk(np.array(small), np.array(read))


def resampled(frames: Iterable[np.ndarray], have: int, want: int) -> Iterator[np.ndarray]:
    """`want` frames from `have`: first on first, last on last, linear in between, cut to integers.

    So the published program makes rates that the data set lacks. It then stores them by OpenCV's
    H.264 encoder, which is another one on every machine; here they stay in memory.
    """
    source = enumerate(frames)
    number, here = next(source)
    ahead = here
    for step in range(want):
        place = step * (have - 1) / (want - 1) if want > 1 else 0.0
        whole = int(place)
        while number < min(whole + 1, have - 1):
            here = ahead
            number, ahead = next(source)
        first = ahead if whole >= number else here
        share = place - whole
        mixed = (1 - share) * first.astype(np.float32) + share * ahead.astype(np.float32)
        yield mixed.astype(np.uint8)


def _decoded(path: Path, count: int) -> Iterator[np.ndarray]:
    """The first frames (row, column, [blue, green, red]) uint8.

    Raises
    ------
    InputError : there are fewer.
    """
    source = opencv().VideoCapture(str(path))
    try:
        for number in range(count):
            there, frame = source.read()
            if not there:
                raise InputError(f"{path} ends after {number} of {count} frames: it is too short "
                                 "or damaged; write or download it again")
            yield frame
    finally:
        source.release()


def _masked(frames: Iterator[np.ndarray]) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Each frame with its mask (row, column) uint8, 0 or 255: `motion_masks`, frame by frame."""
    cv2 = opencv()
    square = np.ones((SIDE, SIDE), np.uint8)

    def blurred(frame: np.ndarray) -> np.ndarray:
        grey: np.ndarray = cv2.GaussianBlur(
            cv2.cvtColor(frame, cv2.COLOR_BGR2GRAY), (SIDE, SIDE), 0)
        return grey

    first = next(frames)
    average = blurred(first).astype(np.float64)
    for number, frame in enumerate(itertools.chain([first], frames)):
        now = blurred(frame)
        if number == 0:
            yield frame, np.zeros_like(now)
            continue
        cv2.accumulateWeighted(now, average, ALPHA)
        apart = cv2.absdiff(now, cv2.convertScaleAbs(average))
        _, mask = cv2.threshold(apart, THRESHOLD, 255, cv2.THRESH_BINARY)
        mask = cv2.morphologyEx(mask, cv2.MORPH_OPEN, square)
        yield frame, cv2.morphologyEx(mask, cv2.MORPH_CLOSE, square)


def _mask_writer(target: Path, fps: int, size: tuple[int, ...]) -> Any:
    cv2 = opencv()
    # OpenCV cuts an odd row or column off what it is then given.
    rows, columns = (length - length % 2 for length in size)
    writer = cv2.VideoWriter(str(target), cv2.VideoWriter_fourcc(*"mp4v"), fps, (columns, rows),
                             isColor=False)
    if not writer.isOpened():
        raise InputError("this OpenCV cannot write MPEG-4 video, through which masks have to go; "
                         "run `pip install opencv-python-headless`")
    return writer
