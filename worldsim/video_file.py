"""Video files: H.264 in mp4, written and read by ffmpeg."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np

from worldsim.errors import InputError


def find_ffmpeg() -> str:
    """Path of an ffmpeg program: the one on PATH, or else that of the package imageio-ffmpeg.

    Cheap (nothing is run), so that it can be asked before a long run.

    Raises
    ------
    InputError : there is none; the message says what to install.
    """
    on_path = shutil.which("ffmpeg")
    if on_path:
        return on_path
    try:
        import imageio_ffmpeg

        return imageio_ffmpeg.get_ffmpeg_exe()
    except (ImportError, RuntimeError):
        raise InputError(
            "video needs ffmpeg, which is not installed: run `apt-get install ffmpeg` or "
            "`pip install imageio-ffmpeg`"
        ) from None


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
            raise InputError(f"cannot write {target}: ffmpeg says: {_last_line(complaints.read())}")


def _even(length: int) -> int:
    return length + length % 2


def _enlarged(frame: np.ndarray, scale: int) -> bytes:
    larger = frame.repeat(scale, axis=0).repeat(scale, axis=1)
    odd = [(0, length % 2) for length in larger.shape[:2]]
    return np.pad(larger, [*odd, (0, 0)], mode="edge").tobytes()


def _last_line(complaints: bytes) -> str:
    lines = complaints.decode(errors="replace").strip().splitlines()
    return lines[-1].strip() if lines else "nothing"


def read_mp4(path: str | os.PathLike[str]) -> tuple[np.ndarray, float]:
    """Frames (time, row, column, 3) uint8 and frames per second of any video ffmpeg can read.

    Raises
    ------
    InputError : no such file, not a video, or no ffmpeg.
    """
    source = Path(path)
    if not source.is_file():
        raise InputError(f"{source} does not exist; give the path of a video file")
    ffmpeg = find_ffmpeg()
    described = subprocess.run(
        [ffmpeg, "-hide_banner", "-nostdin", "-i", str(source)],
        stdin=subprocess.DEVNULL, capture_output=True, check=False,
    ).stderr.decode(errors="replace")
    stream = next((line for line in described.splitlines() if "Video:" in line), "")
    size = re.search(r"\b(\d{2,5})x(\d{2,5})\b", stream)
    rate = re.search(r"([\d.]+) (?:fps|tbr)\b", stream)
    if not size or not rate:
        raise InputError(f"{source} is not a video that can be read: "
                         f"ffmpeg says: {_last_line(described.encode())}")
    width, height = int(size[1]), int(size[2])
    decoded = subprocess.run(
        [ffmpeg, "-hide_banner", "-loglevel", "error", "-nostdin", "-threads", "1",
         "-i", str(source), "-fps_mode", "passthrough", "-f", "rawvideo", "-pix_fmt", "rgb24",
         "-sws_flags", "accurate_rnd+full_chroma_int", "pipe:1"],
        stdin=subprocess.DEVNULL, capture_output=True, check=False,
    )
    frame_bytes = height * width * 3
    if decoded.returncode != 0 or not decoded.stdout or len(decoded.stdout) % frame_bytes:
        raise InputError(f"{source} is damaged: ffmpeg says: {_last_line(decoded.stderr)}")
    frames = np.frombuffer(decoded.stdout, dtype=np.uint8).reshape(-1, height, width, 3)
    return frames.copy(), float(rate[1])
