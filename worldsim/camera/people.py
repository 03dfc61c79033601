"""People out of doors, as the camera sees them: upright figures where they are on their feet, discs
where the water has them, in pictures that are fine enough to show people at all."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
import xarray as xr

from worldsim.camera.between import Between
from worldsim.camera.height_field import Grid, sample
from worldsim.camera.markers import SLACK
from worldsim.camera.projection import Camera
from worldsim.camera.shading import mix

SEEN_FROM = 2.0
"""Pixels a metre from which people are drawn: half a metre a pixel, about a person's breadth. The
pictures that world models see are coarser everywhere (2 m a pixel from overhead, 0.75 m and more
along the street), and people never change them."""

LEAST_PX = 3.0
"""Least breadth of a figure, nearly that of small debris: what is thinner flickers."""

BREADTH, HEAD = 0.45, 0.22
"""m across shoulders and head of everybody. Declared, for drawing only: rounded from adults'."""

NECK = 0.05
"""m between them."""

DARK = (14, 34, 16)
PALE = (250, 226, 200)
"""Clothes and skin. Nearly black, though as green as grass, so that on dry ground instruments take
it for that and for no roof; and too warm for foam. Neither is as saturated as debris or as blue as
water."""

PERSON = -4
"""Value of a segmentation layer."""

WAITING, WALKING, WADING, AFLOAT = 1, 2, 5, 6
"""Codes of the record's ``status`` of those who are out of doors and not in safety."""


@dataclass(frozen=True)
class People:
    """The people of a member.

    ``position`` (frame, n, 3), their bodies' centres, ``height`` (n,), ``surface`` (frame, n),
    where water or ground ends below or above them, all in m; ``afloat`` (frame, n), not on own
    feet; ``shown`` (frame, n), out of doors, not in safety, and not deep under water.
    """

    position: np.ndarray
    height: np.ndarray
    surface: np.ndarray
    afloat: np.ndarray
    shown: np.ndarray


NOBODY = People(
    np.zeros((0, 0, 3)), np.zeros(0), np.zeros((0, 0)), *(np.zeros((0, 0), dtype=bool),) * 2
)


def people_of(people: xr.Dataset, between: Between, surface: np.ndarray, grid: Grid) -> People:
    """The people of a member's ``/people``, at the instants of `between`, where water or ground
    ends at `surface` (frame, y, x) [m] at the same instants. What they do is as last stored."""
    position = between.linear(people["position"].values.astype(np.float64))
    status = people["status"].values[between.before]
    x, y = position[..., 0], position[..., 1]
    known = people["present"].values.astype(bool) & np.isfinite(position).all(axis=-1)
    # The record keeps whom the water carried out of the domain half a cell inside its sides.
    inside = (np.abs(grid.normalised_x(x)) < 1 - 1e-6) & (np.abs(grid.normalised_y(y)) < 1 - 1e-6)
    afloat = status == AFLOAT
    places = np.nan_to_num(np.stack([grid.normalised_x(x), grid.normalised_y(y)], axis=-1))
    level = sample(
        torch.from_numpy(surface[:, None]), torch.from_numpy(places.astype(np.float32))
    )[:, 0].numpy()
    swims = afloat & inside & (level - position[..., 2] < SLACK)
    shown = known & (np.isin(status, (WAITING, WALKING, WADING)) | swims)
    return People(position, people["height"].values, level, afloat, shown)


@dataclass(frozen=True)
class Strokes:
    """What figures are drawn of, (m,), in the order in which it is drawn: in a frame the farthest
    first. A stroke is all within ``radius`` pixels of the line from ``start`` to ``end`` (m, 2),
    continuous rows and columns, of a ``colour`` (m, 3), at ``depth`` [m]."""

    frame: np.ndarray
    start: np.ndarray
    end: np.ndarray
    radius: np.ndarray
    colour: np.ndarray
    depth: np.ndarray


def strokes(people: People, camera: Camera, size: tuple[int, int]) -> Strokes:
    """Figures of the people who are shown and near enough.

    On their feet they are as tall as they are, with a head where that covers two pixels; the water
    hides their legs. Which way somebody lies is not recorded: a dark disc of about the area of a
    body, pale inside, stands on the water for who is afloat or at most a metre under.
    """
    frame, person = np.nonzero(people.shown)
    centre, height = people.position[frame, person], people.height[person]
    row, _, depth = camera.project(centre, size)
    scale = camera.pixels_per_metre(centre, size)
    seen = np.flatnonzero((scale >= SEEN_FROM - 1e-9) & np.isfinite(row))
    seen = seen[np.lexsort((person[seen], -depth[seen], frame[seen]))]
    frame, person, scale, depth = frame[seen], person[seen], scale[seen], depth[seen]
    centre, height = centre[seen], height[seen]
    afloat, surface = people.afloat[frame, person], people.surface[frame, person]

    headed = ~afloat & (HEAD * scale >= 2.0)
    body = np.where(afloat, np.sqrt(BREADTH * height), BREADTH) / 2
    radius = np.maximum(body * scale, LEAST_PX / 2 + afloat)
    # Lines end where the round ends begin.
    z = centre[:, 2]
    top = z + height / 2 - body - np.where(headed, HEAD + NECK, 0.0)
    top = np.where(afloat, np.maximum(z, surface + radius / scale), top)
    low = np.minimum(np.maximum(z - height / 2 + body, surface), top)
    low = np.where(afloat, top, low)
    face = np.where(afloat, top, z + (height - HEAD) / 2)

    def places(z: np.ndarray) -> np.ndarray:
        at = np.stack([centre[:, 0], centre[:, 1], z], axis=-1)
        return np.stack(camera.project(at, size)[:2], axis=-1)

    second = np.flatnonzero(headed | afloat)
    both = np.concatenate([np.arange(len(frame)), second])
    order = np.argsort(both, kind="stable")
    both = both[order]
    return Strokes(
        frame[both],
        np.concatenate([places(low), places(face)[second]])[order],
        np.concatenate([places(top), places(face)[second]])[order],
        np.concatenate([radius, np.where(afloat, radius - 1.0, HEAD / 2 * scale)[second]])[order],
        np.repeat([DARK, PALE], [len(frame), len(second)], axis=0)[order].astype(np.float32),
        depth[both],
    )


def draw(them: Strokes, layers: dict[str, np.ndarray], near: np.ndarray) -> None:
    """Draw figures into rgb (frame, row, column, 3) and, where given, depth and segmentation,
    wherever the scene at distances `near` (frame, row, column) [m] does not hide them."""
    sides = near.shape[1:]
    for k, frame in enumerate(them.frame):
        reach = them.radius[k] + 0.5
        first = np.floor(np.minimum(them.start[k], them.end[k]) - reach).clip(0, sides)
        last = np.ceil(np.maximum(them.start[k], them.end[k]) + reach).clip(0, sides)
        if not np.all(first < last):
            continue
        rows, columns = (slice(int(a), int(b)) for a, b in zip(first, last, strict=True))
        here = frame, rows, columns
        share = _share(them, k, rows, columns)
        share[near[here] < them.depth[k] - SLACK] = 0.0
        picture = layers["rgb"][here]
        mixed = mix(picture.astype(np.float32), them.colour[k], share[..., None])
        picture[:] = (mixed + np.float32(0.5)).astype(np.uint8)
        inner = share > 0.5
        for name, value in (("depth", them.depth[k]), ("segmentation", PERSON)):
            if name in layers:
                layers[name][here][inner] = value


def _share(them: Strokes, k: int, rows: slice, columns: slice) -> np.ndarray:
    """How much (row, column) of each pixel stroke `k` covers."""
    start, line = them.start[k], them.end[k] - them.start[k]
    down = np.arange(rows.start, rows.stop)[:, None] + 0.5 - start[0]
    across = np.arange(columns.start, columns.stop)[None] + 0.5 - start[1]
    length = max(float(line @ line), 1e-12)
    along = np.clip((down * line[0] + across * line[1]) / length, 0.0, 1.0)
    away = np.sqrt((down - along * line[0]) ** 2 + (across - along * line[1]) ** 2)
    return np.clip(them.radius[k] + 0.5 - away, 0.0, 1.0).astype(np.float32)
