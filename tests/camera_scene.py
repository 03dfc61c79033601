"""Small synthetic rollouts in the stored schema, for the camera's tests."""

from __future__ import annotations

import numpy as np
import xarray as xr

DEBRIS_COLOURS = np.array(
    [(225, 30, 30), (250, 225, 20), (140, 60, 245), (240, 30, 190), (110, 235, 30),
     (250, 135, 15)], dtype=np.uint8,
)
BODIES = 18


def beach(x: np.ndarray, y: np.ndarray, street: float = 2.0) -> np.ndarray:
    """Bathymetry (y, x) [m]: sea 4 m deep, slope from x = 60 m to the street at x = 110 m."""
    profile = np.interp(x, [0, 50, 115, 192], [-4.0, -4.0, street, street + 0.3])
    return np.repeat(profile[None], len(y), axis=0)


def bore(x: np.ndarray, y: np.ndarray, times: np.ndarray, bed: np.ndarray) -> np.ndarray:
    """Depth (time, y, x) [m] of something that looks like a bore running inland."""
    front = 10.0 + 14.0 * times[:, None, None]
    crest = np.clip((front - x[None, None]) / 8.0, 0.0, 1.0) * np.exp(
        -np.maximum(front - x[None, None], 0) / 90.0
    )
    ripple = 0.15 * np.cos(0.3 * (y[None, :, None] - 64.0))
    return np.maximum(0.0, (4.5 + ripple) * crest - bed[None]).astype(np.float32)


def rollout(
    *, times: np.ndarray | None = None, bathymetry: np.ndarray | None = None,
    depth: np.ndarray | None = None, boxes: dict[int, dict] | None = None,
    blocked: np.ndarray | None = None, cases: int = 1, realizations: int = 1,
    grid: tuple[int, int] = (64, 96), spacing: float = 2.0,
) -> xr.DataTree:
    """A rollout with the given water and boxes (slot -> position, half_size, quaternion, colour;
    arrays may have a leading time axis). All members are alike but for 0.1 m of depth."""
    times = np.arange(0.0, 1.01, 0.1) if times is None else np.asarray(times, float)
    y = (np.arange(grid[0]) + 0.5) * spacing
    x = (np.arange(grid[1]) + 0.5) * spacing
    bed = beach(x, y) if bathymetry is None else np.asarray(bathymetry)
    water = bore(x, y, times, bed) if depth is None else np.broadcast_to(
        np.asarray(depth, np.float32), (len(times), *grid))
    shape = (cases, realizations, len(times))
    more = 0.1 * np.arange(cases * realizations, dtype=np.float32).reshape(cases, realizations)
    all_water = np.where(water > 0, water + more[:, :, None, None, None], 0).astype(np.float32)
    position = np.zeros((*shape, BODIES, 3), np.float32)
    quaternion = np.zeros((*shape, BODIES, 4), np.float32)
    quaternion[..., 0] = 1
    half_size = np.zeros((*shape, BODIES, 3), np.float32)
    colour = np.full((cases, BODIES, 3), 128, np.uint8)
    colour[:, 12:] = DEBRIS_COLOURS
    present = np.zeros((cases, BODIES), bool)
    for slot, box in (boxes or {}).items():
        present[:, slot] = True
        position[..., slot, :] = box["position"]
        half_size[..., slot, :] = box["half_size"]
        quaternion[..., slot, :] = box.get("quaternion", (1, 0, 0, 0))
        colour[:, slot] = box.get("colour", colour[0, slot])
    blocked = np.zeros(grid, bool) if blocked is None else blocked
    dims = ("case", "realization", "time")
    root = xr.Dataset(coords={"case": np.arange(cases), "realization": np.arange(realizations)},
                      attrs={"schema_version": 1, "kind": "simulated", "cameras": "{}"})
    cells = (*dims, "y", "x")
    water_set = xr.Dataset(
        {
            "depth": (cells, all_water),
            "momentum_x": (cells, all_water * 3.0),
            "momentum_y": (cells, np.zeros_like(all_water)),
            "blocked": (cells, np.broadcast_to(blocked, all_water.shape)),
            "bathymetry": (("case", "y", "x"),
                           np.broadcast_to(bed, (cases, *grid)).astype(np.float32)),
        },
        coords={"time": times, "y": y, "x": x},
    )
    bodies = xr.Dataset(
        {
            "position": ((*dims, "body", "xyz"), position),
            "quaternion": ((*dims, "body", "wxyz"), quaternion),
            "velocity": ((*dims, "body", "xyz"), np.zeros_like(position)),
            "half_size": ((*dims, "body", "xyz"), half_size),
            "colour": (("case", "body", "rgb"), colour),
            "present": (("case", "body"), present),
            "kind": ("body", np.repeat([0, 1], [12, 6])),
        },
        coords={"time": times, "body": np.arange(BODIES)},
    )
    return xr.DataTree.from_dict({"/": root, "/water": water_set, "/bodies": bodies})


def village() -> tuple[dict[int, dict], np.ndarray]:
    """Boxes of five houses and four pieces of debris, and the blocked cells (64, 96)."""
    boxes: dict[int, dict] = {}
    blocked = np.zeros((64, 96), bool)
    colours = [(168, 140, 112), (150, 120, 108), (160, 160, 165), (176, 156, 130), (150, 140, 120)]
    houses = [(124, 24, 1), (130, 60, 2), (122, 96, 1), (156, 40, 2), (158, 88, 1)]
    for number, (x, y, storeys) in enumerate(houses):
        half = np.array([6.0, 7.0, 1.5])
        blocked[int((y - 7) / 2):int((y + 7) / 2), int((x - 6) / 2):int((x + 6) / 2)] = True
        for storey in range(storeys):
            boxes[2 * number + storey] = {
                "position": (x, y, 2.0 + 1.5 + 3.0 * storey), "half_size": half,
                "colour": colours[number],
            }
    for number, (x, y) in enumerate([(112, 40), (114, 76), (140, 52), (144, 100)]):
        turn = 0.4 * number
        boxes[12 + number] = {
            "position": (x, y, 3.0), "half_size": (2.2, 0.9, 0.8),
            "quaternion": (np.cos(turn), 0, 0, np.sin(turn)),
        }
    return boxes, blocked
