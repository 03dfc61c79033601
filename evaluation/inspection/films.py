"""Videos of a case: rendered at some size, and read again from an mp4."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import xarray as xr

import worldsim
from worldsim.scenario import Scenario, scenario_class
from worldsim.seeding import stream
from worldsim.video_file import write_mp4
from worldsim.video_reading import read_video

RAW = "raw"
ENCODINGS = (RAW, "crf 18", "crf 28")
"""As rendered, and H.264 yuv420p at two qualities."""


def drawn(name: str, seed: int, cases: Sequence[int]) -> list[Scenario]:
    """Scenarios with parameters from the training range, one per case."""
    cls = scenario_class(name)
    return [cls.sample(stream(seed, case, 0, "inspected parameters")) for case in cases]


def size_of(cls: type[Scenario], rows: int) -> tuple[int, int]:
    """(rows, columns) of the scenario's picture with that many rows."""
    return rows, rows * cls.size[1] // cls.size[0]


def filmed(rollout: xr.DataTree, cls: type[Scenario], rows: int) -> np.ndarray:
    """(case, time, row, column, 3) uint8 of the first realizations, by the scenario's first
    camera at its own frame rate."""
    video = worldsim.render(rollout, cls.film_cameras[0], size=size_of(cls, rows), fps=cls.fps)
    return np.asarray(video["rgb"].values[:, 0])


def encoded(frames: np.ndarray, fps: float, encoding: str) -> np.ndarray:
    """The frames after an encoder and a decoder."""
    if encoding == RAW:
        return frames
    with tempfile.TemporaryDirectory() as folder:
        path = write_mp4(Path(folder) / "video.mp4", frames, fps, crf=int(encoding.split()[1]))
        return read_video(path).frames
