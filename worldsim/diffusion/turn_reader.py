"""How bodies are turned, read off what is seen around them: a learned instrument.

The transformer's patches are as large as many a body, and what it reads of turns errs by tenths.
A small convolutional network looks at every body by itself, cut out of a view that is a plane of
the world around the place where it was found and scaled to its size, and says how it is turned in
that view and how sure that is. What no picture tells (a rod's end, a ball without marks) it takes
from the turn that was read roughly before.
"""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from worldsim.camera.projection import Camera

SIDE = 28
"""Samples across what is cut out."""

REACH, MARGIN = 1.4, 1.0
"""Half a side of what is cut out, in lengths of the body's half diagonal, and px more."""

CHANNELS = (16, 32, 32, 48, 64)
STRIDES = (1, 2, 1, 2, 2)
SUMMED = 96

TOLD = 6 + 3 + 1
"""Numbers told beside the picture: the rough turn, half sizes over the half diagonal, and that in
halves of the picture's height."""

SHARPEST = -5.0
"""Logarithm of the smallest spread."""


@dataclasses.dataclass(frozen=True)
class Looks:
    """N bodies as they are looked at.

    pictures : (N, 3, SIDE, SIDE) in [-1, 1]. scenario : (N,) numbers. told : (N, TOLD). turns :
    (N, 6) first and third column of the true rotation in the view (right, up, ahead), when it is
    to be learned.
    """

    pictures: Tensor
    scenario: Tensor
    told: Tensor
    turns: Tensor | None = None


def look(film: np.ndarray, places: np.ndarray, half: np.ndarray, rough: np.ndarray, view: Camera,
         scenario: int) -> Looks:
    """Look at bodies.

    Parameters
    ----------
    film : (frame, row, column, 3) uint8 of an orthographic view. places : (frame, body, 3) m.
    half : (frame, body, 3) m, half sizes. rough : (frame, body, 6) turns in the view.
    scenario : number of the scenario.

    Returns
    -------
    Looks at all bodies of all frames, (frame * body, …).
    """
    frames, rows, columns = film.shape[:3]
    row, column, _ = view.project(places, (rows, columns))
    diagonal = np.linalg.norm(half, axis=-1)
    pitch = view.height_m / rows
    reach = REACH * diagonal / pitch + MARGIN
    at = (np.arange(SIDE) + 0.5) / SIDE * 2 - 1
    # grid_sample counts from -1 to 1 between the picture's outer edges.
    x = (column[..., None] + reach[..., None] * at) / columns * 2 - 1
    y = (row[..., None] + reach[..., None] * at) / rows * 2 - 1
    bodies = places.shape[1]
    shape = (frames, bodies, SIDE, SIDE)
    grid = np.stack([np.broadcast_to(x[..., None, :], shape),
                     np.broadcast_to(y[..., None], shape)], -1)
    pictures = torch.from_numpy(film).movedim(-1, 1).float() / 127.5 - 1
    found = F.grid_sample(
        pictures, torch.from_numpy(grid.reshape(frames, bodies * SIDE, SIDE, 2)).float(),
        padding_mode="border", align_corners=False)
    found = found.unflatten(2, (bodies, SIDE)).transpose(1, 2).flatten(0, 1)
    told = np.concatenate([rough, half / diagonal[..., None].clip(1e-6),
                           (diagonal / view.height_m * 2)[..., None]], -1)
    return Looks(found, torch.full((len(found),), scenario),
                 torch.from_numpy(told.reshape(-1, TOLD).astype(np.float32)))


class TurnReader(nn.Module):
    """scenarios : how many names of scenarios there are."""

    def __init__(self, scenarios: int) -> None:
        super().__init__()
        before, layers = 3, []
        for channels, stride in zip(CHANNELS, STRIDES, strict=True):
            layers.append(nn.Conv2d(before, channels, 3, stride, padding=1))
            before = channels
        self.convolutions = nn.ModuleList(layers)
        last = math.ceil(SIDE / math.prod(STRIDES))
        self.sum_up = nn.Linear(before * last**2, SUMMED)
        self.tell = nn.Linear(TOLD, SUMMED)
        self.scenario = nn.Parameter(torch.randn(scenarios, SUMMED) * 0.02)
        self.think = nn.Linear(SUMMED, SUMMED)
        self.say = nn.Linear(SUMMED, 7)
        self.initialise()

    def initialise(self) -> None:
        """Begin by saying what was read roughly, and that it is not sure."""
        nn.init.zeros_(self.say.weight)
        nn.init.zeros_(self.say.bias)

    def forward(self, looks: Looks) -> tuple[Tensor, Tensor]:
        """Turns (N, 6) in the view, not quite orthonormal, and the logarithm (N,) of their
        spread."""
        x = looks.pictures
        for layer in self.convolutions:
            x = F.silu(layer(x))
        x = F.silu(self.sum_up(x.flatten(1)) + self.tell(looks.told)
                   + self.scenario[looks.scenario])
        x = F.silu(x + self.think(x))
        said = self.say(x).float()
        return looks.told[:, :6] + said[:, :6], (said[:, 6] - 1).clamp_min(SHARPEST)


def turns_loss(said: Tensor, log_spread: Tensor, turns: Tensor) -> Tensor:
    """Likelihood of the true turns, every one weighed by its spread (Seitzer et al. 2022, "On the
    pitfalls of heteroscedastic uncertainty estimation with probabilistic neural networks"), above
    what it is at least."""
    square = (said - turns).square().mean(-1)
    each = square / (2 * (2 * log_spread).exp()) + log_spread - SHARPEST
    return (each * log_spread.detach().exp()).mean()
