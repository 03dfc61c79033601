"""Small rollouts with known answers, for the tests of instruments and scores.

The scene is drawn independently of the renderer: a straight water front that moves at a given
speed, discs of debris drawn by supersampling, square roofs that vanish at a given time.
"""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import xarray as xr

from worldsim.instruments.appearance import DEBRIS_COLOURS
from worldsim.rollout import video_dataset

CAMERA = {
    "name": "overhead", "projection": "orthographic", "position": [96.0, 64.0, 100.0],
    "target": [96.0, 64.0, 0.0], "up": [0.0, 1.0, 0.0], "height_m": 128.0, "fov_y_deg": 0.0,
}
ROWS, COLUMNS, PITCH = 64, 96, 2.0
x_centres = (np.arange(COLUMNS) + 0.5) * PITCH
y_centres = (np.arange(ROWS) + 0.5) * PITCH
WATER, GRASS, SAND, TIMBER = (60, 140, 175), (142, 156, 108), (218, 202, 168), (168, 138, 104)
ROOFS = np.array([[90.0, 100.0, 30.0, 40.0], [110.0, 120.0, 80.0, 92.0]])


@dataclasses.dataclass(frozen=True)
class Member:
    """One member: the front starts at `shore` (m) and runs inland at `speed` (m/s) from `start`
    (s); debris (slot, [x, y]) drifts at `drift` (slot, 2); roof b vanishes at `falls[b]` s."""

    speed: float = 10.0
    start: float = 2.0
    shore: float = 40.0
    debris: tuple = ((60.3, 50.7), (75.1, 90.2), (101.9, 60.4))
    drift: tuple = ((1.0, 0.5), (2.0, -1.0), (3.0, 0.3))
    falls: tuple = (np.inf, np.inf)

    def front(self, time: np.ndarray) -> np.ndarray:
        """(time,) m."""
        return self.shore + self.speed * np.maximum(time - self.start, 0.0)

    def places(self, time: np.ndarray) -> np.ndarray:
        """(time, slot, 2) m."""
        return np.array(self.debris) + np.array(self.drift) * time[:, None, None]


def within(rectangle: np.ndarray | tuple) -> np.ndarray:
    """(y, x) bool: cells whose centre lies in the rectangle x0, x1, y0, y1 (m)."""
    x0, x1, y0, y1 = rectangle
    columns = (x_centres > x0) & (x_centres < x1)
    rows = (y_centres > y0) & (y_centres < y1)
    return rows[:, None] & columns[None, :]


def blend_disc(frame: np.ndarray, row: float, column: float, colour: np.ndarray,
               diameter: float = 3.5, fine: int = 9) -> None:
    """Draw a disc in place; how much of a pixel it covers is found by counting finer samples."""
    offsets = (np.arange(fine) + 0.5) / fine - 0.5
    rows, columns = (
        np.arange(max(int(centre) - 3, 0), min(int(centre) + 5, count))
        for centre, count in ((row, ROWS), (column, COLUMNS))
    )
    inside = (
        (rows[:, None] + offsets)[:, :, None, None] - row
    ) ** 2 + ((columns[:, None] + offsets)[None, None] - column) ** 2 <= (diameter / 2) ** 2
    share = inside.mean(axis=(1, 3))[..., None]
    block = np.ix_(rows, columns)
    frame[block] = frame[block] * (1 - share) + colour * share


def draw(member: Member, time: np.ndarray) -> np.ndarray:
    """(time, row, column, 3) uint8."""
    video = np.empty((len(time), ROWS, COLUMNS, 3))
    front, places = member.front(time), member.places(time)
    x, y = x_centres[None, :], y_centres[::-1][:, None]
    for k, t in enumerate(time):
        frame = np.where((x < 60)[..., None], SAND, GRASS).astype(float) + np.zeros((ROWS, 1, 1))
        for (x0, x1, y0, y1), falls in zip(ROOFS, member.falls, strict=True):
            if t < falls:
                frame[(x > x0) & (x < x1) & (y > y0) & (y < y1)] = TIMBER
        roofs = (frame == TIMBER).all(axis=-1)
        frame[(x < front[k]) & ~roofs] = WATER
        for slot, (px, py) in enumerate(places[k]):
            row, column = (y_centres[-1] - py) / PITCH, (px - x_centres[0]) / PITCH
            blend_disc(frame, row, column, DEBRIS_COLOURS[slot])
        video[k] = frame
    return np.rint(video).astype(np.uint8)


def rollout(cases: list[list[Member]], *, fps: float = 5.0, duration: float = 6.0,
            kind: str = "simulated", model: str = "", video: np.ndarray | None = None,
            case_numbers: list[int] | None = None) -> xr.DataTree:
    """A rollout of members[case][realization]; simulated ones carry their states."""
    frames = round(fps * duration)
    time = np.arange(frames) / fps
    numbers = list(range(len(cases))) if case_numbers is None else case_numbers
    root = xr.Dataset(
        coords={"case": numbers, "realization": list(range(len(cases[0])))},
        attrs={"schema_version": 1, "kind": kind, "model": model, "seed": 0, "checkpoint": "",
               "scenario": json.dumps({"name": "tsunami", "version": 1})},
    )
    if video is None:
        video = np.stack([np.stack([draw(m, time) for m in members]) for members in cases])
    tree = {"/": root, "/video/overhead": video_dataset(video, fps, json.dumps(CAMERA))}
    if kind == "simulated":
        tree |= states(cases, duration)
    return xr.DataTree.from_dict(tree)


def states(cases: list[list[Member]], duration: float) -> dict[str, xr.Dataset]:
    """The state groups of a simulated rollout, at 10 Hz."""
    time = np.arange(round(duration * 10) + 1) / 10
    dims = ("case", "realization", "time")
    shape = (len(cases), len(cases[0]))
    depth = np.zeros((*shape, len(time), ROWS, COLUMNS), dtype=np.float32)
    position = np.zeros((*shape, len(time), 12 + 6, 3), dtype=np.float32)
    standing = np.zeros((*shape, len(time), 6), dtype=bool)
    for i, members in enumerate(cases):
        for j, member in enumerate(members):
            up = np.array([[t < f for f in member.falls] for t in time])
            standing[i, j, :, :2] = up
            reached = x_centres < member.front(time)[:, None]
            wet = reached[:, None, :] & np.ones((1, ROWS, 1), bool)
            for b, (x0, x1, y0, y1) in enumerate(ROOFS):
                inside = within((x0, x1, y0, y1))
                wet &= ~(inside & up[:, b, None, None])
            depth[i, j] = wet
            position[i, j, :, 12:12 + len(member.debris), :2] = member.places(time)
    count = len(cases[0][0].debris)
    footprint = np.zeros((shape[0], 6, 4))
    footprint[:, :2] = ROOFS
    present = np.zeros((shape[0], 6), dtype=bool)
    present[:, :2] = True
    bodies = np.zeros((shape[0], 18), dtype=bool)
    bodies[:, 12:12 + count] = True
    colour = np.zeros((shape[0], 18, 3), np.uint8)
    colour[:, 12:] = DEBRIS_COLOURS
    coords = {"time": time}
    return {
        "/water": xr.Dataset({"depth": ((*dims, "y", "x"), depth)},
                             coords={**coords, "y": y_centres, "x": x_centres}),
        "/bodies": xr.Dataset(
            {"position": ((*dims, "body", "xyz"), position), "present": (("case", "body"), bodies),
             "colour": (("case", "body", "rgb"), colour),
             "kind": ("body", np.repeat([0, 1], [12, 6]))}, coords=coords),
        "/structures": xr.Dataset(
            {"standing": ((*dims, "building"), standing),
             "footprint": (("case", "building", "bound"), footprint),
             "present": (("case", "building"), present)}, coords=coords),
    }
