"""Reading states off known frames, more finely than the network does.

The network says roughly where which body is, and how it is turned. Where a view is a plane of the
world, the instruments (`worldsim.instruments`), which need no training, follow the coloured things
in it to a quarter of a pixel; things and bodies are paired by least distance, and a thing moves its
body in the picture. How a body is turned is then seen by looking at it more closely
(`worldsim.diffusion.turn_reader`).
"""

from __future__ import annotations

import numpy as np
import torch
from scipy.optimize import linear_sum_assignment

from worldsim.camera.projection import Camera
from worldsim.diffusion.turn_reader import TurnReader, look
from worldsim.instruments import track

NEAR = 0.5
"""Of the picture's height: farther from where a body was read nothing is taken for it."""

SURE = 0.3
"""Largest spread of a turn that is believed."""

NOWHERE = 1e6
"""Distance of what is not there."""


def matched(here: np.ndarray, before: np.ndarray) -> np.ndarray:
    """Which of the positions (n, 3) `here` is each of those (m, 3) `before`: (m,), by least sum of
    distances. What is not there, NaN, is far from everything. m is at most n."""
    apart = np.linalg.norm(before[:, None] - here[None], axis=-1)
    return np.asarray(linear_sum_assignment(np.nan_to_num(apart, nan=NOWHERE))[1])


def moved(places: np.ndarray, film: np.ndarray, view: Camera, fps: float) -> np.ndarray:
    """Places of bodies, moved within the picture to where they are seen.

    Parameters
    ----------
    places : (time, body, 3) m, as the network read them.
    film : (time, row, column, 3) uint8 of an orthographic view.

    Returns
    -------
    Places of the same shape; those of bodies that nothing near was seen of are unchanged.
    """
    rows = film.shape[1]
    row, column, _ = view.project(places, (rows, film.shape[2]))
    read = np.stack([row, column], -1)
    seen = track(film, fps=fps)["position"].values[0, 0]
    if not seen.shape[1] or not places.shape[1]:
        return places
    off = seen[:, None] - read[:, :, None]  # (time, body, thing, 2)
    apart = np.linalg.norm(off, axis=-1)
    some = np.isfinite(apart).any(axis=0)
    mean = np.where(some, np.nansum(np.nan_to_num(apart), axis=0)
                    / np.maximum(np.isfinite(apart).sum(axis=0), 1), np.inf)
    reach = NEAR * rows
    body, thing = linear_sum_assignment(np.minimum(mean, reach))
    found = places.copy()
    across, upward, _ = view.basis
    pitch = view.height_m / rows
    for b, t in zip(body, thing, strict=True):
        if mean[b, t] >= reach:
            continue
        move = off[:, b, t]
        # Where it is hidden for a moment, as far off as otherwise.
        move = np.where(np.isfinite(move), move, np.nanmean(move, axis=0))
        found[:, b] += pitch * (move[:, 1:] * across - move[:, :1] * upward)
    return found


@torch.no_grad()
def turned(places: np.ndarray, turns: np.ndarray, half: np.ndarray, film: np.ndarray,
           view: Camera, scenario: int, reader: TurnReader) -> np.ndarray:
    """Turns of bodies, as they are seen.

    Parameters
    ----------
    places : (time, body, 3) m. turns : (time, body, 6) first and third column of the rotation, as
        the network read them. half : (body, 3) m, half sizes; NaN where not known.
    film : (time, row, column, 3) uint8 of an orthographic view. scenario : the reader's number.

    Returns
    -------
    Turns of the same shape; those of bodies of unknown size are unchanged, and where the reader is
    not sure.
    """
    sized = np.isfinite(half).all(-1)
    if not sized.any():
        return turns
    basis = np.array(view.basis)
    pairs = turns.reshape(*turns.shape[:2], 2, 3)
    shape = (len(film), int(sized.sum()))
    looks = look(film, places[:, sized], np.broadcast_to(half[sized], (*shape, 3)),
                 (pairs @ basis.T).reshape(*turns.shape)[:, sized], view, scenario)
    said, spread = (part.numpy().astype(float) for part in reader(looks))
    seen = (orthonormal(said).reshape(*shape, 2, 3) @ basis).reshape(*shape, 6)
    sure = (spread < np.log(SURE)).reshape(shape)
    found = turns.copy()
    found[:, sized] = np.where(sure[..., None], seen, found[:, sized])
    return found


def orthonormal(turns: np.ndarray) -> np.ndarray:
    """The columns (…, 6) of rotations that are nearest to two columns each (polar decomposition of
    the pair; Schoenemann 1966)."""
    pair = turns.reshape(*turns.shape[:-1], 2, 3)
    left, _, right = np.linalg.svd(pair, full_matrices=False)
    return np.asarray(left @ right).reshape(turns.shape)
