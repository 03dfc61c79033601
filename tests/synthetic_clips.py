"""Synthetic clips for the world model's tests: a front that advances, discs that it carries."""

from __future__ import annotations

import numpy as np
import torch

from worldsim.diffusion.clips import ClipSet

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


def synthetic_clips(cases: int = 4, frames: int = 80, size: tuple[int, int] = (64, 96),
                    seed: int = 0) -> ClipSet:
    """Clips in memory with one continuous and one categorical parameter."""
    rng = np.random.default_rng(seed)
    speeds = rng.uniform(0.02, 0.12, cases)
    videos = [synthetic_video(rng, speed, frames, size) for speed in speeds]
    return ClipSet(
        video=torch.from_numpy(np.stack(videos)),
        parameters={"wave_height": 2 + 60 * speeds, "building": np.arange(cases) % 4.0},
        cameras={"overhead": "{}", "street": "{}"}, fps=5.0, scenario="tsunami", version=1,
        seed=seed,        case_ids=tuple(range(cases)), mirror_axes=("rows", "columns"),
    )
