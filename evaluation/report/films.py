"""The films and stills of a run, as data: addresses that stand in the page itself."""

from __future__ import annotations

import base64
import re
import tempfile
from io import BytesIO
from pathlib import Path

import xarray as xr
from PIL import Image

from evaluation.observe import video_of
from evaluation.report.contents import Clip, Picture, Player
from worldsim.video_file import write_video

ROOM = 8_000_000
"""Characters that the films which play in step may take in the page."""

ZOOM = 4
"""Films are enlarged by whole pixels before they are encoded: H.264 halves the resolution of
colour, and a piece of debris is only a few pixels wide."""

JPEG_QUALITY = 88

_NAME = re.compile(r"(?P<case>\d+)\.(?P<camera>[\w-]+)\.r(?P<realization>\d+)(\.t(?P<t>[\d.]+))?")
"""``<case>.<camera>.r<realization>`` of a film, with ``.t<seconds>`` of a still."""


def player(truth: xr.DataTree, dream: xr.DataTree, given: int) -> Player:
    """The films of truth and dream that play in step.

    Whole cases are taken until `ROOM` is used up; the rest is counted in `Player.left_out`.

    Parameters
    ----------
    truth, dream : rollouts; the dream's cases, cameras, size and rate are shown.
    given : frames that the world model was given.
    """
    cameras = tuple(sorted(dream["video"].children))
    first = dream["video"][cameras[0]]
    size = (first["rgb"].sizes["row"], first["rgb"].sizes["column"])
    fps, frames = float(first.attrs["fps"]), first["rgb"].sizes["time"]
    cases = [int(case) for case in dream["case"].values]
    clips: list[Clip] = []
    used = shown = 0
    for case in cases:
        if used > ROOM:
            break
        shown += 1
        for source, rollout in (("simulated", truth), ("generated", dream)):
            for camera in cameras:
                video = video_of(rollout.sel(case=[case]), camera, size, fps)
                for realization in video["realization"].values:
                    film = video["rgb"].sel(realization=realization).isel(case=0)
                    data = _film(film.isel(time=slice(0, frames)), fps)
                    clips.append(Clip(source, case, camera, int(realization), data))
                    used += len(data)
    return Player(tuple(clips), cameras, size, fps, frames, given, left_out=len(cases) - shown)


def _film(rgb: xr.DataArray, fps: float) -> str:
    """(time, row, column, channel) uint8 as an mp4 in a ``data:`` address."""
    frames = rgb.values.repeat(ZOOM, axis=1).repeat(ZOOM, axis=2)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "film.mp4")
        write_video(file, frames, fps=fps)
        return _address("video/mp4", file.read_bytes())


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
