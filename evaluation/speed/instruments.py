"""Speed of all instruments on video of 64 rows, in multiples of the time that the video lasts."""

from __future__ import annotations

import statistics
import time
import warnings
from collections.abc import Sequence

import numpy as np
import torch
import xarray as xr

from evaluation.observe import observe_video
from evaluation.speed.result import Benchmark, Row
from worldsim.camera import camera_of, render
from worldsim.errors import MembersFailed
from worldsim.instruments import events, track
from worldsim.instruments.counts import count_objects
from worldsim.instruments.gravity import effective_gravity
from worldsim.scenario import list_scenarios, scenario_class
from worldsim.simulator.world import simulate
from worldsim.splits import Purpose, Split, draw, seed_for

GOAL = 50.0
"""Times real time, of video of `FPS` frames per second on two cores."""

CORES, FPS, ROWS = 2, 10.0, 64
CASES = 4
SEED = seed_for(Purpose.TEST, 65)
REPEATS = 3
CROWD = 12
"""Objects above which they are counted without being followed, too; fewer are as many as tracks."""

LONGER, MORE = 4, 4
LINEAR = 1.25
"""How much more time per frame a video of `LONGER` times the length, or `MORE` cases, may take."""

COMPARED = (
    "All instruments that read a scenario's video, 4 cases as training draws them, for their "
    "whole duration, first view, 64 rows, 10 frames/s: tracks and events of rigid bodies (crowds "
    "are counted as well, of what falls the acceleration is read); water, debris, buildings and "
    "tracks of the coast. One thread, processor's time, best of 3; the rate is that of two such "
    "processes, since cases are read independently. Length: the same video and its reverse in "
    "turn, 4 times as long; cases: 16 instead of 4; both as time per frame over that of the short "
    "video."
)


def film(name: str, cases: int = CASES) -> xr.Dataset:
    """The first view of some cases."""
    cls = scenario_class(name)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", MembersFailed)
        truth = simulate([draw(cls, Split.IN_RANGE, SEED, case) for case in range(cases)],
                         seed=SEED, case_numbers=range(cases), threads=1)
    camera = cls.film_cameras[0]
    video = render(truth, camera, (ROWS, ROWS * cls.size[1] // cls.size[0]), FPS)
    video.attrs["rigid"] = int("parts" in truth.children)
    view = camera_of(truth, camera)
    video.attrs["scale"] = ROWS / view.height_m if view.projection == "orthographic" else 0.0
    return video


def read(video: xr.Dataset) -> None:
    """Everything that is read of a video."""
    tracks = track(video)
    if not video.attrs["rigid"]:
        observe_video(video)
        return
    events(tracks)
    if tracks.sizes["object"] > CROWD:
        count_objects(video)
    if video.attrs["scale"] > 0:
        effective_gravity(tracks, video.attrs["scale"])


def seconds_per_frame(video: xr.Dataset, repeats: int = REPEATS) -> float:
    """Processor's time by one thread."""
    frames = int(np.prod(video["rgb"].shape[:3]))
    spent = []
    for _ in range(repeats):
        begun = time.process_time()
        read(video)
        spent.append(time.process_time() - begun)
    return min(spent) / frames


def longer(video: xr.Dataset) -> xr.Dataset:
    """The video and its reverse in turn, `LONGER` times as long: as smooth as before."""
    rgb = video["rgb"].values
    parts = [rgb if turn % 2 == 0 else rgb[:, :, ::-1] for turn in range(LONGER)]
    stretched = video.drop_vars("time").drop_dims("time", errors="ignore")
    stretched = stretched.assign(rgb=(video["rgb"].dims, np.concatenate(parts, axis=2)))
    count = stretched.sizes["time"]
    return stretched.assign_coords(time=("time", np.arange(count) / FPS)).assign_attrs(video.attrs)


def more(video: xr.Dataset) -> xr.Dataset:
    """The video with `MORE` times as many cases."""
    many = xr.concat([video] * MORE, dim="case")
    return many.assign_coords(case=np.arange(many.sizes["case"])).assign_attrs(video.attrs)


def measure(names: Sequence[str] = ()) -> Benchmark:
    """All scenarios by default, but the town, which nothing here reads."""
    chosen = list(names) or [name for name in list_scenarios() if name != "town"]
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    rows, details = [], {}
    longest, largest = [], []
    try:
        for name in chosen:
            video = film(name)
            read(video)  # first touch
            once = seconds_per_frame(video)
            length = seconds_per_frame(longer(video), 1) / once
            cases = seconds_per_frame(more(video), 1) / once
            longest.append(length)
            largest.append(cases)
            rows.append(Row(name, CORES / once / FPS, "x real time", GOAL, at_most=False))
            details[name] = {"ms per frame": 1e3 * once, "longer": length, "more cases": cases}
    finally:
        torch.set_num_threads(threads)
    rows += [
        Row(f"time per frame, {LONGER} times as long", statistics.median(longest), "", LINEAR,
            worst=max(longest)),
        Row(f"time per frame, {MORE} times the cases", statistics.median(largest), "", LINEAR,
            worst=max(largest)),
    ]
    return Benchmark("instruments", "All instruments on video of 64 rows", COMPARED, tuple(rows),
                     details=details)


if __name__ == "__main__":
    for row in measure().rows:
        print(f"{row.what:<40}{row.value:10.2f} {row.unit}")
