"""Video files: H.264 in mp4, written by ffmpeg; `worldsim.video_reading` reads any."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Iterable, Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np

from worldsim.errors import InputError
from worldsim.ffmpeg import find_ffmpeg, last_line


def write_mp4(
    path: str | os.PathLike[str],
    video: np.ndarray | Iterable[np.ndarray],
    fps: float,
    crf: int = 18,
    scale: int = 1,
) -> Path:
    """Write frames as H.264, atomically; the same frames give the same bytes.

    Parameters
    ----------
    video : (time, row, column, 3) uint8, or any iterable of frames (row, column, 3).
    fps : frames per second, above 0.
    crf : 0 (lossless but for the colour space) to 51 (worst); 18 looks unchanged.
    scale : every pixel becomes a square of this many, so that small videos can be seen. Odd
        sizes get one more row or column, a copy of the last, because the format needs even ones.

    Raises
    ------
    InputError : no frames, wrong shapes, no ffmpeg, or the file cannot be written (full disk).
    """
    if not (np.isfinite(fps) and 0 < fps <= 1000):
        raise InputError(f"fps={fps}: give between 0 and 1000 frames per second")
    if not 0 <= crf <= 51 or int(crf) != crf:
        raise InputError(f"crf={crf}: give an integer from 0 to 51")
    if scale < 1 or int(scale) != scale:
        raise InputError(f"scale={scale}: give an integer of 1 or more")
    frames = _checked(video)
    first = next(frames, None)
    if first is None:
        raise InputError("the video has no frames")
    target = Path(path)
    ffmpeg = find_ffmpeg()
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        handle, beside = tempfile.mkstemp(
            prefix=f".{target.name}.", suffix=".mp4", dir=target.parent
        )
        os.close(handle)
    except OSError as error:
        raise InputError(f"cannot write {target}: {error.strerror}") from error
    try:
        _encode(ffmpeg, beside, first, frames, Fraction(fps).limit_denominator(1001), crf, scale,
                target)
        os.chmod(beside, 0o644)
        os.replace(beside, target)
    finally:
        Path(beside).unlink(missing_ok=True)
    return target


def _checked(video: np.ndarray | Iterable[np.ndarray]) -> Iterator[np.ndarray]:
    shape = None
    for frame in video:
        frame = np.asarray(frame)
        if frame.ndim != 3 or frame.shape[-1] != 3 or frame.dtype != np.uint8 or not frame.size:
            raise InputError(
                f"a frame has shape {frame.shape} and dtype {frame.dtype}; "
                "give (row, column, 3) uint8"
            )
        shape = shape or frame.shape
        if frame.shape != shape:
            raise InputError(f"frames differ in shape: {shape} and {frame.shape}")
        yield frame


def _encode(ffmpeg: str, beside: str, first: np.ndarray, rest: Iterator[np.ndarray],
            rate: Fraction, crf: int, scale: int, target: Path) -> None:
    height, width = (_even(length * scale) for length in first.shape[:2])
    command = [
        ffmpeg, "-hide_banner", "-loglevel", "error", "-nostdin", "-y",
        "-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{width}x{height}",
        "-r", str(rate), "-i", "pipe:0",
        # One thread and no encoder's signature: the same frames, the same bytes.
        "-threads", "1", "-fflags", "+bitexact", "-flags:v", "+bitexact", "-map_metadata", "-1",
        "-vf", "scale=out_color_matrix=bt709:out_range=tv:flags=accurate_rnd+full_chroma_int",
        "-c:v", "libx264", "-preset", "medium", "-crf", str(crf), "-pix_fmt", "yuv420p",
        "-colorspace", "bt709", "-color_primaries", "bt709", "-color_trc", "bt709",
        "-color_range", "tv", "-movflags", "+faststart", beside,
    ]
    with tempfile.TemporaryFile() as complaints:
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
                                   stderr=complaints)
        assert process.stdin is not None
        try:
            process.stdin.write(_enlarged(first, scale))
            for frame in rest:
                process.stdin.write(_enlarged(frame, scale))
            process.stdin.close()
        except BrokenPipeError:
            pass  # ffmpeg has stopped; its exit status and last line say why
        except BaseException:
            process.kill()
            process.wait()
            raise
        if process.wait() != 0:
            complaints.seek(0)
            raise InputError(f"cannot write {target}: ffmpeg says: {last_line(complaints.read())}")


def _even(length: int) -> int:
    return length + length % 2


def _enlarged(frame: np.ndarray, scale: int) -> bytes:
    larger = frame.repeat(scale, axis=0).repeat(scale, axis=1)
    odd = [(0, length % 2) for length in larger.shape[:2]]
    return np.pad(larger, [*odd, (0, 0)], mode="edge").tobytes()
