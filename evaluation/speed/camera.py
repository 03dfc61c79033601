"""Frames per second of the camera with shadows, against `mujoco.Renderer` with software GL."""

from __future__ import annotations

import contextlib
import functools
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
import xarray as xr

from evaluation.speed.in_turn import in_turn
from evaluation.speed.result import Benchmark, Row
from evaluation.speed.street import ReferenceStreet
from worldsim.camera import camera_of, render
from worldsim.camera.shading import TOWARDS_SUN
from worldsim.camera.states import frame_times, read_member
from worldsim.simulator.world import simulate

GOALS = {64: 10.0, 128: 4.0, 256: 1.3}
FPS = 10.0
SECONDS = 3.0
THREADS = 2
NO_GL = (
    "no software GL on this machine: mujoco.Renderer needs EGL or OSMesa "
    "(Debian: apt install libegl1 libgl1-mesa-dri, or libosmesa6)"
)
COMPARED = (
    "One film of 30 frames (3 s at 10/s) of the reference street, bore among the houses, by the "
    "perspective camera `street`. worldsim.camera.render: everything from stored states to pixels "
    "(2 x 2 samples a pixel, moving water, sun shadows of bodies). mujoco.Renderer: its default "
    "quality (shadow map, multisampling), context and model made beforehand; per frame: place "
    "bodies, update_scene, render. The GL scene has the same ground, boxes, camera and sun but "
    "no water, which spares it work. Both may use 2 threads."
)


class GLUnavailable(Exception):
    """There is no GL library that mujoco.Renderer can draw with."""


class GLFilm:
    """The film by `mujoco.Renderer`, in its own process."""

    def __init__(self, process: subprocess.Popen[str], device: str) -> None:
        self._process, self.device = process, device

    def shoot(self, side: int) -> float:
        """Draw one film of side x side pixels: its seconds, measured in that process."""
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(f"{side}\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline().split()
        if not answer or float(answer[1]) == 0.0:
            raise GLUnavailable("the GL renderer ended or drew one colour only")
        return float(answer[0])


@contextlib.contextmanager
def gl_film(states: Path) -> Iterator[GLFilm]:
    """Start the GL process with the first backend that works.

    Raises
    ------
    GLUnavailable : neither EGL nor OSMesa can draw.
    """
    for backend in ("egl", "osmesa"):
        environment = os.environ | {
            "MUJOCO_GL": backend,
            "LIBGL_ALWAYS_SOFTWARE": "1",
            "GALLIUM_DRIVER": "llvmpipe",
            "LP_NUM_THREADS": str(THREADS),
        }
        command = [sys.executable, "-m", "evaluation.speed.gl_film", str(states)]
        with subprocess.Popen(
            command,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        ) as process:
            assert process.stdout is not None and process.stdin is not None
            greeting = process.stdout.readline().strip()
            if greeting.startswith("ready "):
                try:
                    yield GLFilm(process, f"{backend}: {greeting.removeprefix('ready ')}")
                finally:
                    process.stdin.close()
                return
    raise GLUnavailable(NO_GL)


@functools.cache
def footage() -> xr.DataTree:
    """One member of the street, 12 s: the water is among the houses in the last three."""
    return simulate(ReferenceStreet(), seed=0, duration=12.0)


def instants(truth: xr.DataTree) -> np.ndarray:
    """The times [s] of the film's frames."""
    return frame_times(truth, FPS)[-round(SECONDS * FPS) :]


def gl_states(truth: xr.DataTree) -> dict[str, np.ndarray]:
    """What the GL process needs of the rollout: bodies by frame, ground, camera, sun."""
    states = read_member(truth, 0, 0, instants(truth))
    camera = camera_of(truth, "street")
    shown = states.shown[0]
    return {
        "bathymetry": states.bathymetry,
        "spacing": np.array([states.grid.dx, states.grid.dy]),
        "position": states.position[:, shown],
        "quaternion": states.quaternion[:, shown],
        "half_size": states.half_size[:, shown],
        "colour": states.colour[shown],
        "camera_position": np.array(camera.position),
        "right": camera.basis[0],
        "up": camera.basis[1],
        "fov": np.array(camera.fov_y_deg),
        "towards_sun": np.asarray(TOWARDS_SUN),
    }


def measure(rounds: int = 4) -> Benchmark:
    """Both renderers in turn at each size."""
    title = "camera with shadows against software GL"
    truth = footage()
    times = [float(t) for t in instants(truth)]
    threads = torch.get_num_threads()
    torch.set_num_threads(THREADS)
    rows, details = [], {}
    with tempfile.TemporaryDirectory() as folder:
        stored = Path(folder) / "states.npz"
        np.savez(stored, **dict[str, Any](gl_states(truth)))
        try:
            with gl_film(stored) as film:
                for side, goal in GOALS.items():
                    timings = in_turn(
                        {
                            "gl": functools.partial(film.shoot, side),
                            "worldsim": functools.partial(
                                render, truth, "street", (side, side), FPS, times=times
                            ),
                        },
                        rounds,
                    )
                    rate = {name: len(times) / timings.best(name) for name in timings.seconds}
                    details[f"{side}"] = {
                        "frames_per_second": rate,
                        "seconds": timings.seconds,
                        "gl": film.device,
                    }
                    rows += [
                        Row(
                            f"camera over GL, {side} x {side}",
                            timings.ratio("gl", "worldsim"),
                            goal=goal,
                            at_most=False,
                            worst=min(timings.ratios("gl", "worldsim")),
                        ),
                        Row(f"  camera, {side} x {side}", rate["worldsim"], "frames/s"),
                        Row(f"  GL, {side} x {side}", rate["gl"], "frames/s"),
                    ]
        except GLUnavailable as error:
            rows = _alone(truth, times, rounds)
            return Benchmark("camera", title, COMPARED, tuple(rows), missing=str(error))
        finally:
            torch.set_num_threads(threads)
    return Benchmark("camera", title, COMPARED, tuple(rows), details=details)


def _alone(truth: xr.DataTree, times: list[float], rounds: int) -> list[Row]:
    """The camera's own rate where there is nothing to compare it with."""
    rows = []
    for side in GOALS:
        film = functools.partial(render, truth, "street", (side, side), FPS, times=times)
        best = in_turn({"worldsim": film}, rounds).best("worldsim")
        rows.append(Row(f"  camera, {side} x {side}", len(times) / best, "frames/s"))
    return rows


if __name__ == "__main__":
    for row in measure().rows:
        print(f"{row.what:<32}{row.value:10.2f} {row.unit}")
