"""Video files of any kind, as frames at a constant rate, or a reason why not."""

from __future__ import annotations

import dataclasses
import os
import re
import subprocess
import tempfile
from pathlib import Path

import numpy as np

from worldsim.errors import InputError
from worldsim.ffmpeg import find_ffmpeg, last_line

MOST_BYTES = 2**31
"""Greatest size of a video in memory: 10,000 frames of 256 x 256 pixels, 4 s of 1080p at 60/s."""

JITTER = 0.15
"""Greatest deviation of a frame's interval from the mean one, as a part of it, that still counts as
a constant rate: containers round times to milliseconds."""

_CHUNK = 2**22

_FRAME = re.compile(r"pts_time:\s*([-\d.]+|NOPTS).*?fmt:(\w+).*?\bs:(\d+)x(\d+)")
_COMPLAINT = re.compile(r"\[(?:error|fatal|panic)\] *(.*)")
_RATE = re.compile(r"Video:.*?([\d.]+) (?:fps|tbr)\b")


@dataclasses.dataclass(frozen=True)
class Video:
    """What was read.

    frames : (time, row, column, 3) uint8. fps : frames per second.
    notes : what was done to the file's content, in words.
    """

    frames: np.ndarray
    fps: float
    notes: tuple[str, ...] = ()


def read_video(path: str | os.PathLike[str], most_bytes: int = MOST_BYTES) -> Video:
    """Read any video that ffmpeg can decode: whole, in order, every frame once.

    Grey pictures become three equal channels, and transparency is dropped; both are noted.

    Raises
    ------
    InputError : no such file, not a video, empty, damaged or cut short, of a variable rate, of
        frames that change their size, larger than `most_bytes` in memory, or no ffmpeg. The message
        says what to do.
    """
    source = Path(path)
    if not source.is_file():
        raise InputError(f"{source} does not exist; give the path of a video file")
    if source.stat().st_size == 0:
        raise InputError(f"{source} is empty (0 bytes); write it again")
    pixels, said = _decode(find_ffmpeg(), source, most_bytes)
    shown = [match.groups() for match in map(_FRAME.search, said.splitlines()) if match]
    complaints = [match[1] for match in map(_COMPLAINT.search, said.splitlines()) if match]
    if not shown and complaints:
        raise InputError(
            f"{source} is not a video that can be read: ffmpeg says: {complaints[-1]}")
    if not shown:
        raise InputError(f"{source} holds no video frames; give a file with a video stream")
    if complaints:
        raise InputError(
            f"{source} is damaged or cut short: {len(shown)} frames could be read, then ffmpeg "
            f"says: {complaints[0]}; write or download it again")
    sizes = {(int(height), int(width)) for _, _, width, height in shown}
    if len(sizes) > 1:
        raise InputError(f"{source} changes its size from frame to frame: {sorted(sizes)}")
    height, width = sizes.pop()
    frames = np.frombuffer(pixels, dtype=np.uint8)
    if frames.size != len(shown) * height * width * 3:
        raise InputError(
            f"{source} is damaged or cut short: of {len(shown)} frames some could not be decoded; "
            "write or download it again")
    frames = frames.reshape(-1, height, width, 3)
    return Video(frames, _rate(source, [time for time, *_ in shown], said), _notes(shown[0][1]))


def read_mp4(path: str | os.PathLike[str]) -> tuple[np.ndarray, float]:
    """`read_video` for those who want frames and rate only."""
    video = read_video(path)
    return video.frames, video.fps


def _decode(ffmpeg: str, source: Path, most_bytes: int) -> tuple[bytearray, str]:
    """Pixels, and what ffmpeg said of every frame and of the whole."""
    command = [
        ffmpeg, "-hide_banner", "-nostdin", "-nostats", "-loglevel", "level+info",
        "-threads", "1", "-i", str(source.resolve()), "-map", "0:v:0", "-fps_mode", "passthrough",
        "-vf", "showinfo=checksum=0", "-f", "rawvideo", "-pix_fmt", "rgb24",
        "-sws_flags", "accurate_rnd+full_chroma_int", "pipe:1",
    ]
    pixels = bytearray()
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log)
        assert process.stdout is not None
        try:
            while chunk := process.stdout.read(_CHUNK):
                pixels += chunk
                if len(pixels) > most_bytes:
                    raise InputError(
                        f"{source} needs more than {most_bytes / 2**30:.3g} GiB in memory; cut it "
                        "or make it smaller first, for example "
                        f"`ffmpeg -i {source.name} -t 10 -vf scale=-2:256 smaller.mp4`")
            process.wait()  # what it complains of last comes after its last pixel
        finally:
            process.kill()
            process.wait()
            process.stdout.close()
        log.seek(0)
        said = log.read()
    if not said:
        raise InputError(f"{source} cannot be read: ffmpeg says: {last_line(said)}")
    return pixels, said.decode(errors="replace")


def _rate(source: Path, stamps: list[str], said: str) -> float:
    """Frames per second, from the times of the frames; from the file's header for a single one."""
    header = _RATE.search(said)
    declared = float(header[1]) if header else float("nan")
    if len(stamps) == 1:
        return declared
    if "NOPTS" in stamps:
        raise InputError(f"{source} does not say when its frames are; write it with a frame rate")
    times = np.array([float(stamp) for stamp in stamps])
    interval = (times[-1] - times[0]) / (len(times) - 1)
    if not interval > 0:
        raise InputError(f"{source}: all frames have one time; write it with a frame rate")
    # From the nearest frame of a constant rate, not from the last one: rounding does not add up.
    steady = times[0] + interval * np.arange(len(times))
    if np.abs(times - steady).max() > JITTER * interval:
        gaps = np.diff(times)
        raise InputError(
            f"{source} has a variable frame rate ({1000 * gaps.min():.3g} to "
            f"{1000 * gaps.max():.3g} ms between frames); make it constant first, for example "
            f"`ffmpeg -i {source.name} -vf fps={1 / np.median(gaps):.3g} constant.mp4`")
    # The header has two decimals, the times have six: what they agree on is exact.
    return declared if abs(declared * interval - 1) < 1e-5 else float(1 / interval)


def _notes(pixel_format: str) -> tuple[str, ...]:
    notes = []
    if pixel_format.startswith("gray") or pixel_format.startswith("ya"):
        notes.append("the video is grey: objects can be told apart by brightness only")
    if "a" in pixel_format and re.match(r"(yuva|rgba|bgra|argb|abgr|ya|gbrap)", pixel_format):
        notes.append("transparency was dropped")
    return tuple(notes)
