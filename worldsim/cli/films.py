"""Films and stills of a run for people's eyes: mp4 of every member, contact reels, large pictures.

Nothing here is measured; instruments read the frames stored in the rollouts.
"""

from __future__ import annotations

import numpy as np
import xarray as xr
from PIL import Image, ImageDraw

from worldsim.camera import render
from worldsim.cli.progress import Advance
from worldsim.rollout import open as open_rollout
from worldsim.run_directory import RunDirectory
from worldsim.video_file import write_mp4

FULL_SIZE = (360, 640)
STILL_SIZE = (720, 1280)
"""Rows and columns of the film and the stills of the first member. Along a street of 192 m the film
has 0.14 to 0.3 m a pixel, fine enough to show people; members' films have 0.75 m and more."""

STILL_TIMES = (0.25, 0.5, 1.0)
"""Instants of the stills, as fractions of the duration."""

REEL_MEMBERS = 4
"""Cases and realizations in a contact reel, at most."""

MEMBER_ZOOM = 4
REEL_ZOOM = 3
CAPTION_ROWS = 20
CAPTION_COLOURS = {"simulated": ((255, 255, 255), (0, 0, 0)),
                   "generated": ((213, 94, 0), (255, 255, 255))}
"""Paper and ink of a reel's caption; the word itself tells the two apart without colour."""


def film_truth(run: RunDirectory, advance: Advance) -> None:
    """Every member's frames as mp4, a contact reel, and the first member large."""
    with open_rollout(run.at("truth.zarr")) as truth:
        if not run.has("videos/simulated"):
            _members(run, truth, "simulated")
        if not run.has("truth.mp4"):
            _reel(run, truth, "simulated", "truth.mp4")
        if not run.has("videos/full-size"):
            _full_size(run, truth, lambda fraction: advance(0.8 * fraction))
        if not run.has("stills"):
            _stills(run, truth, lambda fraction: advance(0.8 + 0.2 * fraction))


def film_dream(run: RunDirectory, advance: Advance) -> None:
    """Every dreamt member's frames as mp4, and a contact reel."""
    with open_rollout(run.at("dream.zarr")) as dream:
        if not run.has("videos/generated"):
            _members(run, dream, "generated")
        advance(0.6)
        if not run.has("dream.mp4"):
            _reel(run, dream, "generated", "dream.mp4")


def _members(run: RunDirectory, rollout: xr.DataTree, source: str) -> None:
    with run.producing(f"videos/{source}") as folder:
        folder.mkdir(parents=True)
        for camera, node in rollout["video"].children.items():
            for i, case in enumerate(rollout["case"].values):
                for j, realization in enumerate(rollout["realization"].values):
                    write_mp4(folder / f"{case}.{camera}.r{realization}.mp4",
                              node["rgb"].isel(case=i, realization=j).values,
                              fps=node.attrs["fps"], scale=MEMBER_ZOOM)


def _reel(run: RunDirectory, rollout: xr.DataTree, source: str, name: str) -> None:
    """All members side by side: a row per case and camera, a column per realization."""
    videos = {camera: node.dataset.isel(case=slice(REEL_MEMBERS), realization=slice(REEL_MEMBERS))
              for camera, node in rollout["video"].children.items()}
    first = next(iter(videos.values()))
    rows = [
        np.concatenate(list(videos[camera]["rgb"].isel(case=i).values), axis=2)
        for i in range(first.sizes["case"]) for camera in videos
    ]
    sheet = np.concatenate(rows, axis=1).repeat(REEL_ZOOM, axis=1).repeat(REEL_ZOOM, axis=2)
    frames = np.stack([
        np.concatenate([_caption(source, t, sheet.shape[2]), frame])
        for t, frame in zip(first["time"].values, sheet, strict=True)
    ])
    with run.producing(name) as path:
        write_mp4(path, frames, fps=first.attrs["fps"])


def _caption(source: str, t: float, width: int) -> np.ndarray:
    paper, ink = CAPTION_COLOURS[source]
    text = f"{source.upper()}   t = {t:.1f} s"
    strip = Image.new("RGB", (width, CAPTION_ROWS), paper)
    ImageDraw.Draw(strip).text((6, 4), text, fill=ink)
    return np.asarray(strip)


def _full_size(run: RunDirectory, truth: xr.DataTree, advance: Advance) -> None:
    case, realization = int(truth["case"][0]), int(truth["realization"][0])
    video = render(truth, "street", size=FULL_SIZE, cases=[case], realizations=[realization],
                   progress=lambda done, total: advance(done / total))
    with run.producing("videos/full-size") as folder:
        folder.mkdir(parents=True)
        write_mp4(folder / f"{case}.street.r{realization}.mp4", video["rgb"].values[0, 0],
                  fps=video.attrs["fps"])


def _stills(run: RunDirectory, truth: xr.DataTree, advance: Advance) -> None:
    case, realization = int(truth["case"][0]), int(truth["realization"][0])
    times = np.round(np.array(STILL_TIMES) * float(truth["water"]["time"][-1]), 1)
    video = render(truth, "street", size=STILL_SIZE, cases=[case], realizations=[realization],
                   times=times.tolist(), progress=lambda done, total: advance(done / total))
    with run.producing("stills") as folder:
        folder.mkdir(parents=True)
        for t, frame in zip(times, video["rgb"].values[0, 0], strict=True):
            Image.fromarray(frame).save(folder / f"{case}.street.r{realization}.t{t:04.1f}.png")
