"""Synthetic clips for the world model's tests: water that carries discs, a ball that moves."""

from __future__ import annotations

import numpy as np
import torch

from worldsim.diffusion.clips import ClipSet
from worldsim.diffusion.observables import BODIES, NUMBERS
from worldsim.scenario import scenario_class

COLOURS = np.array([(225, 30, 30), (250, 225, 20), (140, 60, 245), (110, 235, 30)], np.uint8)


def synthetic_video(rng: np.random.Generator, speed: float, frames: int, size: tuple[int, int],
                    fps: float = 5.0) -> np.ndarray:
    """(2, frames, rows, columns, 3): water advances at `speed` [short sides per second].

    The second view shows the first one's columns as rows, at reduced brightness.
    """
    rows, columns = size
    y, x = np.mgrid[:rows, :columns]
    ground = np.stack([150 + 30 * np.sin(x / 7 + rng.uniform(0, 6)), 140 + 0 * y,
                       110 + 20 * np.cos(y / 9)], -1)
    discs = rng.uniform((4, columns * 0.25), (rows - 4, columns * 0.9), (3, 2))
    colours = COLOURS[rng.choice(len(COLOURS), 3, replace=False)]
    video = np.empty((2, frames, rows, columns, 3), np.uint8)
    for k in range(frames):
        front = columns * 0.2 + speed * rows * k / fps + 2 * np.sin(y / 6)
        picture = np.where((x < front)[..., None], (40, 120, 160), ground)
        for disc, colour in zip(discs, colours, strict=True):
            column = max(disc[1], min(columns * 0.2 + speed * rows * k / fps, columns - 3))
            picture[(y - disc[0]) ** 2 + (x - column) ** 2 < 4] = colour
        video[0, k] = picture
        video[1, k] = picture[::-1] * 0.8
    return video


def cameras_of(scenario: str) -> dict[str, str]:
    """Descriptions of the views that a scenario is filmed from."""
    cls = scenario_class(scenario)
    cameras = cls().scene(0, 0).cameras
    return {name: cameras[name].to_json() for name in cls.film_cameras}


def synthetic_clips(cases: int = 4, frames: int = 80, size: tuple[int, int] = (64, 96),
                    seed: int = 0) -> ClipSet:
    """Clips in memory with one continuous and one categorical parameter."""
    rng = np.random.default_rng(seed)
    speeds = rng.uniform(0.02, 0.12, cases)
    videos = [synthetic_video(rng, speed, frames, size) for speed in speeds]
    return ClipSet(
        video=torch.from_numpy(np.stack(videos)),
        parameters={"wave_height": 2 + 60 * speeds, "building": np.arange(cases) % 4.0},
        cameras=cameras_of("tsunami"), fps=5.0, scenario="tsunami", version=1, seed=seed,
        case_ids=tuple(range(cases)), mirror_axes=("rows", "columns"),
    )


def ball_clips(cases: int = 3, frames: int = 14, size: tuple[int, int] = (16, 24),
               seed: int = 0) -> ClipSet:
    """Clips of a ball at constant velocity, with its states; the second view shows nothing of it.

    The last case has a second ball, that rests.
    """
    rng = np.random.default_rng(seed)
    rows, columns = size
    y, x = np.mgrid[:rows, :columns] + 0.5
    metres = 3.522727272727273 / rows  # per row of the scenario's main camera
    video = np.full((cases, 2, frames, rows, columns, 3), 140, np.uint8)
    states = np.full((cases, frames, BODIES + 3, NUMBERS), np.nan, np.float32)
    solids = np.full((cases, BODIES, 4), np.nan, np.float32)
    for case in range(cases):
        for body in range(1 + (case == cases - 1)):
            place, velocity = rng.uniform(-0.8, 0.8, 2), rng.uniform(-0.6, 0.6, 2) * (body == 0)
            solids[case, body, :2] = 0, 0.3
            for k in range(frames):
                across, upward = place + velocity * k / 20
                states[case, k, body] = [across, 0, 1.55 + upward, 1, 0, 0, 0, 0, 1]
                column, row = columns / 2 + across / metres, rows / 2 - upward / metres
                inside = (x - column) ** 2 + (y - row) ** 2 < (0.3 / metres) ** 2
                video[case, 0, k][inside] = COLOURS[body]
    pushes = np.full((cases, 1, 5), np.nan, np.float32)
    pushes[0, 0] = [0.3, 0, 0.5, 0.0, 1.0]
    return ClipSet(
        video=torch.from_numpy(video), parameters={}, cameras=cameras_of("free_fall"), fps=20.0,
        scenario="free_fall", version=scenario_class("free_fall").version, seed=seed,
        case_ids=tuple(range(cases)), mirror_axes=(None, None), states=states, solids=solids,
        pushes=pushes)
