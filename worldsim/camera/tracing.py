"""What each sample of a picture sees: ground, water, a body or the sky, and whether in the sun."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch

from worldsim.camera.boxes import NO_HIT, Boxes, face_normals, slabs
from worldsim.camera.detail import mottling
from worldsim.camera.height_field import Grid, sample
from worldsim.camera.marching import Heights, first_hits
from worldsim.camera.shading import (
    AMBIENT,
    CLEAR_DISTANCE,
    TOWARDS_SUN,
    ground_albedo,
    mix,
    sunlit,
)
from worldsim.camera.view import VIEWS_KEPT, View

SHADOW_GAP = 0.02
"""A body casts no shadow on what lies this near to it [m]: itself, that is."""


@dataclass(frozen=True)
class BodyHits:
    """The samples of some frames that see a body: their numbers ``at`` (m,) in the flattened
    (frame, n), the ``frame`` and ``body`` (m,) and the outward ``normal`` (3, m) there."""

    at: np.ndarray
    frame: np.ndarray
    body: np.ndarray
    normal: np.ndarray


class Band:
    """A `View` and the ground that its samples see.

    What no frame changes is found here, once: where the rays meet the ground and its colour in
    the sun and in a shadow.

    Parameters
    ----------
    ground : (y, x) bathymetry [m] on the view's grid.
    """

    def __init__(self, view: View, ground: torch.Tensor) -> None:
        self.view = view
        grid, planes = view.grid, view.planes
        self._lowest = float(ground.min())
        self._ground_z = first_hits(Heights.of(ground[None]), planes,
                                    torch.full((len(view),), self._lowest))[0]
        slopes = sample(_gradient(ground, grid)[None], planes.place(self._ground_z)[None])
        slope_x, slope_y = slopes[0].numpy()
        length = np.sqrt(np.float32(1.0) + slope_x**2 + slope_y**2)
        sun = TOWARDS_SUN.astype(np.float32)
        light = sunlit((sun[2] - slope_x * sun[0] - slope_y * sun[1]) / length)
        distance = view.distance(self._ground_z)
        self.hazy = view.runs(distance.numpy() > CLEAR_DISTANCE)
        self.ground_in_shade = np.float32(AMBIENT) / light
        points = view.points(torch.arange(len(view)), distance)
        shown = view.detail(points)
        near = np.flatnonzero(shown)
        x, y = points[:2].numpy()[:, near]
        y = y - np.float32(grid.y_first + 0.5 * (grid.ny - 1) * grid.dy)
        light[near] *= mix(np.ones_like(x), mottling(x, y), shown[near])
        self.ground_colour = torch.from_numpy(ground_albedo(self._ground_z.numpy()) * light)

    def see_surface(self, heights: Heights,
                    fields: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Distances (frame, n) [m] of ground or water, infinite for the sky, and the `fields`
        (frame, channel, y, x) there, (frame, channel, n)."""
        planes = self.view.planes
        z = first_hits(heights, planes, self._ground_z)
        distance = self.view.distance(z).masked_fill_(self.view.sky, NO_HIT)
        return distance, sample(fields, planes.place(z[:1] if planes.vertical else z))

    def see_bodies(self, distance: torch.Tensor, boxes: Boxes, drawn: np.ndarray,
                   blocked: torch.Tensor) -> BodyHits:
        """The samples that see a body, those `drawn` (frame, body); `distance` (frame, n) of the
        surface becomes that of the body there.

        Water that is carried on under a building for the sake of a smooth surface is not seen:
        where the field `blocked` (frame, y, x) says so, the body is.
        """
        view = self.view
        looks = view.looks(boxes.corners(), drawn)
        entry, leave, axis = slabs(view.start(looks.at), view.towards(looks.at), boxes, looks)
        met = torch.nonzero((entry <= leave) & (entry > 0))[:, 0].numpy()
        pair, at = looks.pair.numpy()[met], looks.at.numpy()[met]
        entry, axis = entry.numpy()[met], axis.numpy()[met]
        frame, body = looks.frame[pair], looks.body[pair]
        flat = frame * len(view) + at
        flat = frame * len(view) + at
        best = _nearest(flat, entry, distance.numel())
        flat, at, frame, body = flat[best], at[best], frame[best], body[best]
        entry, axis = entry[best], axis[best]
        surface = distance.view(-1).numpy()
        shown = entry < surface[flat]
        behind = np.flatnonzero(~shown)
        shown[behind] = self._under(blocked, frame[behind], at[behind], surface[flat[behind]])
        flat, at, frame, body = flat[shown], at[shown], frame[shown], body[shown]
        surface[flat] = entry[shown]
        towards = view.towards(torch.from_numpy(at)).numpy()
        return BodyHits(flat, frame, body, face_normals(boxes, frame, body, axis[shown], towards))

    def _under(self, blocked: torch.Tensor, frame: np.ndarray, at: np.ndarray,
               distance: np.ndarray) -> np.ndarray:
        """Whether the surface that those samples (m,) meet is under a building."""
        under = np.zeros(len(at), dtype=bool)
        for k in np.unique(frame):
            mine = np.flatnonzero(frame == k)
            which = torch.from_numpy(at[mine])
            z = self.view.height(which, torch.from_numpy(distance[mine]))
            places = self.view.planes.chosen(which).place(z)
            under[mine] = (sample(blocked[k, None, None], places[None])[0, 0] > 0.5).numpy()
        return under

    def shaded(self, distance: torch.Tensor, boxes: Boxes, drawn: np.ndarray) -> np.ndarray:
        """The numbers (m,) in the flattened (frame, n) of the points at `distance` (frame, n)
        that a body keeps the sun from, sorted."""
        flat_distance = distance.view(-1)
        looks = self.view.looks(boxes.shadow_hulls(TOWARDS_SUN, self._lowest), drawn)
        flat = torch.from_numpy(looks.frame)[looks.pair] * len(self.view) + looks.at
        away = flat_distance[flat]
        away = torch.where(torch.isinf(away), 0.0, away)
        sun = torch.tensor(TOWARDS_SUN, dtype=torch.float32)[:, None]
        entry, leave, _ = slabs(self.view.points(looks.at, away), sun, boxes, looks)
        covered = (entry <= leave) & (leave > SHADOW_GAP)
        return np.unique(flat[covered].numpy())


def _nearest(flat: np.ndarray, entry: np.ndarray, count: int) -> np.ndarray:
    """Which of the hits (m,) at places `flat` (m,) below `count` have the least `entry` of their
    place; of equals the first."""
    least = torch.full((count,), NO_HIT)
    least.scatter_reduce_(0, torch.from_numpy(flat), torch.from_numpy(entry), "amin")
    tied = np.flatnonzero(least.numpy()[flat] == entry)
    winner = np.empty(count, dtype=np.int64)
    winner[flat[tied[::-1]]] = tied[::-1]
    return tied[winner[flat[tied]] == tied]


@lru_cache(maxsize=VIEWS_KEPT)
def _band_of(view: View, ground: bytes) -> Band:
    heights = np.frombuffer(ground, dtype=np.float32).reshape(view.grid.ny, view.grid.nx)
    return Band(view, torch.from_numpy(heights.copy()))


def band_of(view: View, ground: torch.Tensor) -> Band:
    """A `Band`, the same object as long as it is kept: all realizations of a case, and each of
    its films by this camera, show the same ground."""
    return _band_of(view, ground.numpy().tobytes())


def _gradient(ground: torch.Tensor, grid: Grid) -> torch.Tensor:
    """(2, y, x): dz/dx and dz/dy of heights (y, x)."""
    along_y, along_x = torch.gradient(ground, spacing=(grid.dy, grid.dx))
    return torch.stack([along_x, along_y])
