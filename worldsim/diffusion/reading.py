"""Reading states off known frames, more finely than the network does.

The network says roughly where which body is, and how it is turned. Where a view is a plane of the
world, the instruments (`worldsim.instruments`), which need no training, follow the coloured things
in it to a quarter of a pixel, and see where long ones point; things and bodies are paired by least
distance, and a thing moves and turns its body in the picture.
"""

from __future__ import annotations

import numpy as np
from scipy.optimize import linear_sum_assignment

from worldsim.camera.projection import Camera
from worldsim.instruments import track

NEAR = 0.5
"""Of the picture's height: farther from where a body was read nothing is taken for it."""


FLAT = 0.9
"""Cosine between one of a body's axes and the line of sight from which on it is taken to lie along
that: what moves in the picture's plane is turned in it."""

LONG = 1.2
"""Ratio of the axes of an outline from which on it points somewhere."""

NOWHERE = 1e6
"""Distance of what is not there."""


def matched(here: np.ndarray, before: np.ndarray) -> np.ndarray:
    """Which of the positions (n, 3) `here` is each of those (m, 3) `before`: (m,), by least sum of
    distances. What is not there, NaN, is far from everything. m is at most n."""
    apart = np.linalg.norm(before[:, None] - here[None], axis=-1)
    return np.asarray(linear_sum_assignment(np.nan_to_num(apart, nan=NOWHERE))[1])


def sharpened(places: np.ndarray, turns: np.ndarray, half: np.ndarray, film: np.ndarray,
              view: Camera, fps: float) -> tuple[np.ndarray, np.ndarray]:
    """Places and turns of bodies, moved and turned within the picture to where they are seen.

    Parameters
    ----------
    places : (time, body, 3) m, as the network read them. turns : (time, body, 6) first and third
        column of the rotation. half : (body, 3) m, half sizes; NaN where not known.
    film : (time, row, column, 3) uint8 of an orthographic view.

    Returns
    -------
    Places and turns of the same shapes; those of bodies that nothing near was seen of are
    unchanged.
    """
    rows = film.shape[1]
    row, column, _ = view.project(places, (rows, film.shape[2]))
    read = np.stack([row, column], -1)
    tracks = track(film, fps=fps)
    seen, pointing = (tracks[name].values[0, 0] for name in ("position", "orientation"))
    if not seen.shape[1] or not places.shape[1]:
        return places, turns
    off = seen[:, None] - read[:, :, None]  # (time, body, thing, 2)
    apart = np.linalg.norm(off, axis=-1)
    some = np.isfinite(apart).any(axis=0)
    mean = np.where(some, np.nansum(np.nan_to_num(apart), axis=0)
                    / np.maximum(np.isfinite(apart).sum(axis=0), 1), np.inf)
    reach = NEAR * rows
    body, thing = linear_sum_assignment(np.minimum(mean, reach))
    found, turned = places.copy(), turns.copy()
    across, upward, _ = view.basis
    pitch = view.height_m / rows
    for b, t in zip(body, thing, strict=True):
        if mean[b, t] >= reach:
            continue
        move = off[:, b, t]
        # Where it is hidden for a moment, as far off as otherwise.
        move = np.where(np.isfinite(move), move, np.nanmean(move, axis=0))
        found[:, b] += pitch * (move[:, 1:] * across - move[:, :1] * upward)
        turned[:, b] = _turned(turns[:, b], half[b], pointing[:, t], np.array(view.basis))
    return found, turned


def _turned(turns: np.ndarray, half: np.ndarray, pointing: np.ndarray, basis: np.ndarray,
            ) -> np.ndarray:
    """Turns (time, 6) of one body with half sizes (3,), turned within the picture to point where it
    does: `pointing` (time,) rad, from the right towards down, modulo pi; NaN where not seen.

    basis : (3, 3) right, up and ahead of the view.
    """
    first, third = turns[:, :3], turns[:, 3:]
    first = first / np.linalg.norm(first, axis=-1, keepdims=True).clip(1e-6)
    third = third - (third * first).sum(-1, keepdims=True) * first
    third = third / np.linalg.norm(third, axis=-1, keepdims=True).clip(1e-6)
    axes = np.stack([first, np.cross(third, first), third], -1)  # (time, world, axis)
    seen = np.einsum("vw,twa->tva", basis, axes)  # in the view: right, up, ahead
    seen = _flattened(seen)
    if np.isfinite(half).all() and np.isfinite(pointing).any():
        right, down = seen[:, 0] * half, -seen[:, 1] * half
        xx, yy, xy = (right**2).sum(-1), (down**2).sum(-1), (right * down).sum(-1)
        spread = np.hypot(xx - yy, 2 * xy)
        is_long = xx + yy + spread > LONG**2 * np.maximum(xx + yy - spread, 1e-12)
        angle = (pointing - np.arctan2(2 * xy, xx - yy) / 2 + np.pi / 2) % np.pi - np.pi / 2
        angle = np.where(is_long, angle, np.nan)
        if np.isfinite(angle).any():
            angle = np.where(np.isfinite(angle), angle, np.nanmean(angle))
            cos, sin = np.cos(angle)[:, None], np.sin(angle)[:, None]
            # Up is against down: from the right towards down.
            seen = np.stack([seen[:, 0] * cos + seen[:, 1] * sin,
                             seen[:, 1] * cos - seen[:, 0] * sin, seen[:, 2]], 1)
    axes = np.einsum("vw,tva->twa", basis, seen)
    return np.concatenate([axes[..., 0], axes[..., 2]], -1)


def _flattened(seen: np.ndarray) -> np.ndarray:
    """Rotations (time, view, axis) of which the axis that is nearly along the line of sight is."""
    ahead = seen[:, 2]
    along = np.abs(ahead).argmax(-1)
    at = np.arange(len(seen))
    sign = np.sign(ahead[at, along])
    axis = seen[at, :, along]
    target = np.zeros_like(axis)
    target[:, 2] = sign
    # The smallest rotation that brings one unit vector to another (Rodrigues 1840).
    cross = np.cross(axis, target)
    cosine = (axis * target).sum(-1)
    x, y, z = cross.T
    zero = np.zeros_like(x)
    skew = np.stack([np.stack([zero, -z, y], -1), np.stack([z, zero, -x], -1),
                     np.stack([-y, x, zero], -1)], 1)
    turn = np.eye(3) + skew + skew @ skew / (1 + cosine)[:, None, None]
    flat = np.einsum("tij,tja->tia", turn, seen)
    return np.where((np.abs(ahead).max(-1) > FLAT)[:, None, None], flat, seen)
