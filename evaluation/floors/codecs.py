"""What comes between the camera and an instrument: nothing, H.264, or the model's bottleneck."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

import worldsim
from worldsim.diffusion.checkpoint import WEIGHTS, load_checkpoint
from worldsim.diffusion.patches import from_cells, grid_of, to_cells, to_uint8, to_unit
from worldsim.video_file import write_mp4
from worldsim.video_reading import read_video

Codec = Callable[[np.ndarray], np.ndarray]
"""(time, row, column, 3) uint8 to the same."""

RAW, MODEL = "raw", "model"
CODECS = (RAW, "crf 18", "crf 28", MODEL)
"""As rendered; H.264 yuv420p in mp4 at two qualities; the shipped model's reading of pixels."""

CHECKPOINT = Path(worldsim.__file__).parent / "checkpoints" / "worldsim-small"

RIDGE = 1e-4
"""Of the least squares, beside features of size one."""


def h264(fps: float, crf: int) -> Codec:
    """Through an mp4 file, by ffmpeg."""
    def through(frames: np.ndarray) -> np.ndarray:
        with tempfile.TemporaryDirectory() as folder:
            path = write_mp4(Path(folder) / "video.mp4", frames, fps, crf=crf)
            read = read_video(path).frames
        return read[:, : frames.shape[1], : frames.shape[2]]

    return through


def bottleneck(films: Sequence[np.ndarray]) -> Codec:
    """Through the features by which the shipped network reads pixels.

    The network reads a cell of 4 x 4 pixels and 5 frames (240 values) as 64 features, and all that
    it knows of the pixels it is to improve passes through these: the token is made of them, and
    they return to the decoder as a skip connection. Here a clip without noise passes them, nothing
    being known beforehand, and pixels are predicted from the features by least squares, fitted to
    `films` of other cases of the scenario. The network itself paints over the nearest known frame,
    so that what rests never passes; here everything does.

    Parameters
    ----------
    films : (time, row, column, 3) uint8, sides multiples of 16 px. Ends are padded to whole groups
        of frames by repeating the last.
    """
    config, network, _ = load_checkpoint(CHECKPOINT)
    patches = config.transformer.patches
    reader = network.expert(config.repertoire.subject("tsunami").expert).read_pixels

    def cells_of(frames: np.ndarray) -> torch.Tensor:
        missing = -len(frames) % patches.frames
        padded = np.concatenate([frames, np.repeat(frames[-1:], missing, axis=0)])
        return to_cells(to_unit(torch.from_numpy(padded))[None, None], patches)

    def features(cells: torch.Tensor) -> torch.Tensor:
        with torch.no_grad():
            read = F.gelu(reader(cells.float()), approximate="tanh")
        return F.pad(read.flatten(0, -2).double(), (0, 1), value=1.0)

    pairs = [(features(cells), cells.flatten(0, -2).double()) for cells in map(cells_of, films)]
    square = sum((known.T @ known for known, _ in pairs), torch.zeros(1, dtype=torch.float64))
    mixed = sum((known.T @ pixels for known, pixels in pairs),
                torch.zeros(1, dtype=torch.float64))
    square = square + RIDGE * torch.eye(len(square)) * square.diagonal().mean()
    decoder = torch.linalg.solve(square, mixed)

    def through(frames: np.ndarray) -> np.ndarray:
        cells = cells_of(frames)
        padded = len(frames) + -len(frames) % patches.frames
        grid = grid_of(padded, frames.shape[1:3], 1, patches)
        read = (features(cells) @ decoder).reshape(cells.shape)
        film: np.ndarray = to_uint8(from_cells(read.float(), grid, patches))[0, 0].numpy()
        return film[: len(frames)]

    return through


@lru_cache
def checkpoint_digest() -> str:
    """First digits of the sha256 of the shipped weights."""
    return hashlib.sha256((CHECKPOINT / WEIGHTS).read_bytes()).hexdigest()[:12]
