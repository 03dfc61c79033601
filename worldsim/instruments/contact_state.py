"""What the events of a mechanical rollout should read: its contacts, as the camera sees them."""

from __future__ import annotations

import numpy as np
import xarray as xr

from worldsim.camera.projection import Camera
from worldsim.simulator.mechanics.scene import STATES_PER_SECOND


def contact_state(truth: xr.DataTree, state: xr.Dataset, camera: Camera,
                  size: tuple[int, int]) -> xr.Dataset:
    """Contacts of tracked parts' bodies.

    Parameters
    ----------
    state : of `worldsim.instruments.mechanics_state.mechanics_state`; numbers the objects.
    camera, size : of the video.

    Returns
    -------
    ``time`` (case, realization, event) s when they began, NaN in empty rows; ``object_a``,
    ``object_b`` the first object of each body, -1 for a body without; ``jump_a``, ``jump_b`` px/s,
    by how much the velocity of its centre of mass changes in the picture, from the stored state
    before the contact to that after it. Long contacts (rolling, resting) count once, at their
    begin.
    """
    contacts, bodies = truth["contacts"].dataset, truth["bodies"].dataset
    times, lasts = contacts["time"].values, contacts["duration"].values
    pair = np.stack([contacts["body_a"].values, contacts["body_b"].values], axis=-1)
    cases, realizations, rows = times.shape
    objects = np.full((cases, realizations, rows, 2), -1)
    jumps = np.full((cases, realizations, rows, 2), np.nan)
    last = bodies.sizes["time"] - 1
    for case in range(cases):
        number = {int(body): slot for slot, body in
                  reversed(list(enumerate(state["body"].values[case]))) if body >= 0}
        for member in range(realizations):
            there = np.isfinite(times[case, member])
            position = bodies["position"].values[case, member].astype(float)
            velocity = bodies["velocity"].values[case, member].astype(float)
            begin = np.where(there, times[case, member], 0.0)
            # Resting contacts go on; the jump is that of the first hundredth of a second.
            end = begin + np.minimum(np.where(there, lasts[case, member], 0.0), 0.01)
            before = np.clip(np.floor(begin * STATES_PER_SECOND - 0.01).astype(int), 0, last)
            after = np.clip(np.ceil(end * STATES_PER_SECOND + 0.01).astype(int), 0, last)
            for side in range(2):
                body = pair[case, member, :, side]
                known = there & np.isin(body, list(number))
                objects[case, member, known, side] = [number[int(b)] for b in body[known]]
                place = position[before[known], body[known]]
                moved = _seen(camera, size, place, velocity[after[known], body[known]])
                jumps[case, member, known, side] = np.linalg.norm(
                    moved - _seen(camera, size, place, velocity[before[known], body[known]]),
                    axis=-1)
    dims = ("case", "realization", "event")
    return xr.Dataset(
        {
            "time": (dims, times, {"units": "s"}),
            "object_a": (dims, objects[..., 0]),
            "object_b": (dims, objects[..., 1]),
            "jump_a": (dims, jumps[..., 0], {"units": "px s-1"}),
            "jump_b": (dims, jumps[..., 1], {"units": "px s-1"}),
        },
        coords={name: state[name] for name in ("case", "realization")},
    )


def _seen(camera: Camera, size: tuple[int, int], place: np.ndarray,
          velocity: np.ndarray) -> np.ndarray:
    """(n, 2) px/s of points (n, 3) that move with a velocity (n, 3) m/s."""
    step = 1e-4
    ends = [np.stack(camera.project(place + way * step * velocity, size)[:2], axis=-1)
            for way in (-0.5, 0.5)]
    return (ends[1] - ends[0]) / step
