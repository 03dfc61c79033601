"""The films and stills of a run, as data: addresses that stand in the page itself."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import xarray as xr
from PIL import Image

from evaluation.report.contents import Clip, Picture, Player
from worldsim.errors import InputError

ROOM = 8_000_000
"""Characters that the films which play in step may take in the page."""

JPEG_QUALITY = 88

_NAME = re.compile(r"(?P<case>\d+)\.(?P<camera>[\w-]+)\.r(?P<realization>\d+)(\.t(?P<t>[\d.]+))?")
"""``<case>.<camera>.r<realization>`` of a film, with ``.t<seconds>`` of a still."""


def player(run: Path, dream: xr.DataTree, given: int) -> Player:
    """The films of truth and dream that play in step.

    Whole cases are taken until `ROOM` is used up; the rest is counted in `Player.left_out`.

    Parameters
    ----------
    run : the run directory, with ``videos/simulated`` and ``videos/generated``.
    dream : its cases, cameras, size and rate are shown.
    given : frames that the world model was given.

    Raises
    ------
    InputError : a film is missing.
    """
    cameras = tuple(sorted(dream["video"].children))
    video = dream["video"][cameras[0]].dataset
    cases = [int(case) for case in dream["case"].values]
    clips: list[Clip] = []
    shown = 0
    for case in cases:
        if sum(len(clip.data) for clip in clips) > ROOM:
            break
        shown += 1
        for source in ("simulated", "generated"):
            for camera in cameras:
                clips += _clips(run / "videos" / source, source, case, camera)
    rgb = video["rgb"]
    return Player(
        clips=tuple(clips), cameras=cameras, size=(rgb.sizes["row"], rgb.sizes["column"]),
        fps=float(video.attrs["fps"]), frames=rgb.sizes["time"], given=given,
        left_out=len(cases) - shown,
    )


def _clips(folder: Path, source: str, case: int, camera: str) -> Iterator[Clip]:
    """All realizations of one case as one camera saw them."""
    files = sorted(folder.glob(f"{case}.{camera}.r*.mp4"))
    if not files:
        raise InputError(f"{folder} has no film of case {case} by camera {camera!r}; remove "
                         f"{folder} and repeat the run's command")
    for file in files:
        realization = int(file.stem.rpartition(".r")[2])
        yield Clip(source, case, camera, realization, _address("video/mp4", file.read_bytes()))


def pictures(run: Path) -> tuple[Picture, ...]:
    """The large film and the stills of the simulation that the run holds."""
    found = [_large_film(file) for file in sorted((run / "videos" / "full-size").glob("*.mp4"))]
    found += [_still(file) for file in sorted((run / "stills").glob("*.png"))]
    return tuple(found)


def _large_film(file: Path) -> Picture:
    member = _member(file)
    return Picture(
        "simulated", f"film, {member}", f"Film of the simulation, {member}",
        _address("video/mp4", file.read_bytes()),
    )


def _still(file: Path) -> Picture:
    member = _member(file)
    with Image.open(file) as image:
        rows, columns = image.height, image.width
        compressed = BytesIO()
        image.convert("RGB").save(compressed, "JPEG", quality=JPEG_QUALITY)
    return Picture(
        "simulated", f"still, {columns}×{rows}, {member}", f"Still of the simulation, {member}",
        _address("image/jpeg", compressed.getvalue()), (rows, columns),
    )


def _member(file: Path) -> str:
    """Which member a file shows, in words, from its name."""
    match = _NAME.fullmatch(file.stem)
    if match is None:
        return file.stem
    words = f"{match['camera']} camera, case {match['case']}, realization {match['realization']}"
    return words + (f", t = {float(match['t']):g} s" if match["t"] else "")


def _address(kind: str, content: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(content).decode('ascii')}"
