"""Looking at bodies one by one: where they are in the picture, how they are turned, how large.

The transformer's patches are as large as many a body, and what it reads of turns errs by tenths.
A small convolutional network, a learned instrument, looks at every body by itself, cut out of a
view that is a plane of the world around the place where it was read and scaled to its size, and
says how far it is from there, how it is turned in that view, how much larger it is than was read,
and how sure all that is. What no picture tells (a rod's end, a ball without marks) it takes from
what was read before.
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

UNSURE = -1.0
"""The same, to begin with."""


@dataclasses.dataclass(frozen=True)
class Looks:
    """N bodies as they are looked at.

    pictures : (N, 3, SIDE, SIDE) in [-1, 1]. scenario : (N,) numbers. told : (N, TOLD). true :
    (N, 11) where bodies are, to the right and up of the middle in halves of a side; first and third
    column of their rotation in the view (right, up, ahead); and the logarithms of their half sizes
    over those told; when it is to be learned.
    """

    pictures: Tensor
    scenario: Tensor
    told: Tensor
    true: Tensor | None = None


def reach_of(half: np.ndarray, view: Camera, rows: int) -> np.ndarray:
    """m, half a side of what is cut out around bodies of half sizes (…, 3) m."""
    diagonal = np.linalg.norm(half, axis=-1)
    return np.asarray(REACH * diagonal + MARGIN * view.height_m / rows)


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
    reach = reach_of(half, view, rows) / (view.height_m / rows)
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


@dataclasses.dataclass(frozen=True)
class Seen:
    """What is said of N bodies: off (N, 2), turns (N, 6), not quite orthonormal, and larger (N, 3)
    as in `Looks.true`; and the logarithms (N, 3) of the spreads of the three."""

    off: Tensor
    turns: Tensor
    larger: Tensor
    log_spread: Tensor


class Looker(nn.Module):
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
        self.say = nn.Linear(SUMMED, 14)
        # It begins by saying what was read before, and that it is not sure.
        nn.init.zeros_(self.say.weight)
        nn.init.zeros_(self.say.bias)

    def forward(self, looks: Looks) -> Seen:
        """Say what is seen."""
        x = looks.pictures
        for layer in self.convolutions:
            x = F.silu(layer(x))
        x = F.silu(self.sum_up(x.flatten(1)) + self.tell(looks.told)
                   + self.scenario[looks.scenario])
        said = self.say(F.silu(x + self.think(x))).float()
        return Seen(said[:, :2], looks.told[:, :6] + said[:, 2:8], said[:, 8:11],
                    (said[:, 11:] + UNSURE).clamp_min(SHARPEST))


def looks_loss(seen: Seen, looks: Looks) -> Tensor:
    """Likelihood of what is true, every one weighed by its spread (Seitzer et al. 2022, "On the
    pitfalls of heteroscedastic uncertainty estimation with probabilistic neural networks"), above
    what it is at least."""
    assert looks.true is not None
    total = seen.off.new_zeros(())
    for said, log_spread, true in zip((seen.off, seen.turns, seen.larger),
                                      seen.log_spread.unbind(1), looks.true.split((2, 6, 3), 1),
                                      strict=True):
        square = (said - true).square().mean(-1)
        each = square / (2 * (2 * log_spread).exp()) + log_spread - SHARPEST
        total = total + (each * log_spread.detach().exp()).mean()
    return total
