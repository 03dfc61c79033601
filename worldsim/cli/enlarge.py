"""``worldsim enlarge``: a video, larger, by the learned second stage."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated

import numpy as np
import tyro

from worldsim.cli.flags import parse
from worldsim.cli.progress import Stages
from worldsim.errors import InputError

VERB = "worldsim enlarge"
ABOUT = ("Enlarge a video, frame by frame, by what was learned of how edges and patterns of these "
         "scenes look when they are sharper. Detail that the small video does not determine is "
         "not invented.")


@dataclasses.dataclass(frozen=True)
class Options:
    video: Annotated[tyro.conf.Positional[Path], tyro.conf.arg(metavar="VIDEO")]
    """A video file of any kind that ffmpeg reads."""
    out: Annotated[Path, tyro.conf.arg(metavar="FILE.mp4")]
    """The file to write."""
    size: Annotated[str, tyro.conf.arg(metavar="COLUMNSxROWS")] = ""
    """Size of the result, of the shape of the video; 1080 rows by default."""
    model: Annotated[str, tyro.conf.arg(metavar="NAME")] = "worldsim-small"
    """The packaged upsampler, or the directory of another."""


def main(args: Sequence[str]) -> int:
    """Enlarge a video; memory holds the small video and one large frame."""
    options = parse(Options, args, command=VERB, description=ABOUT)
    if options.out.suffix != ".mp4":
        raise InputError(f"--out {options.out}: give a name that ends in .mp4")

    from worldsim.diffusion.upsampling import Upsampler, doublings
    from worldsim.video_file import write_mp4
    from worldsim.video_reading import read_video

    video = read_video(options.video)
    before = video.frames.shape[1], video.frames.shape[2]
    after = _size(options.size, before)
    doublings(before, after)  # refuses what cannot be done before any work
    upsampler = Upsampler.from_pretrained(options.model)
    with Stages(1).stage("enlarge") as advance:
        def counted() -> Iterator[np.ndarray]:
            for done, frame in enumerate(upsampler.frames(video.frames, after), 1):
                advance(done / len(video.frames))
                yield frame

        write_mp4(options.out, counted(), video.fps)
    print(f"{options.out}: {len(video.frames)} frames of {after[1]}x{after[0]} px, enlarged from "
          f"{before[1]}x{before[0]}")
    return 0


def _size(text: str, before: tuple[int, int]) -> tuple[int, int]:
    """(rows, columns) that are asked for; even, as mp4 needs them."""
    if not text:
        return 1080, round(1080 * before[1] / before[0] / 2) * 2
    match = re.fullmatch(r"(\d+)x(\d+)", text)
    if not match or not all(int(n) for n in match.groups()):
        raise InputError(f"--size {text}: give columns and rows, for example 1920x1080")
    return int(match[2]), int(match[1])
