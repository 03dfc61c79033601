"""Reading states off known frames, more finely than the network does.

The network says roughly where which body is, and how it is turned. Where a view is a plane of the
world, the instruments (`worldsim.instruments`), which need no training, follow the coloured things
in it to a quarter of a pixel; things and bodies are paired by least distance, and a thing moves its
body in the picture. Where bodies are of which no thing is seen alone, and how all are turned, is
then seen by looking at each more closely (`worldsim.diffusion.looking`).
"""

from __future__ import annotations

import numpy as np
import torch
from scipy.optimize import linear_sum_assignment

from worldsim.camera.projection import Camera
from worldsim.diffusion.looking import Looker, look, reach_of
from worldsim.instruments import track

NEAR = 0.5
"""Of the picture's height: farther from where a body was read nothing is taken for it."""

SURE_OF_PLACE, SURE_OF_TURN, SURE_OF_SIZE = 0.1, 0.3, 0.15
"""Largest spreads of what was looked at that are believed; of places in halves of a side, of
logarithms of sizes."""

CERTAIN_OF_TURN = 0.15
"""Spread up to which a ball's turns say something of how it rolls."""

GLANCES = 3
"""How often bodies are looked at, each time where and as large as they were seen before."""

NOWHERE = 1e6
"""Distance of what is not there."""


def matched(here: np.ndarray, before: np.ndarray) -> np.ndarray:
    """Which of the positions (n, 3) `here` is each of those (m, 3) `before`: (m,), by least sum of
    distances. What is not there, NaN, is far from everything. m is at most n."""
    apart = np.linalg.norm(before[:, None] - here[None], axis=-1)
    return np.asarray(linear_sum_assignment(np.nan_to_num(apart, nan=NOWHERE))[1])


def moved(places: np.ndarray, film: np.ndarray, view: Camera, fps: float,
          ) -> tuple[np.ndarray, np.ndarray]:
    """Places of bodies, moved within the picture to where instruments see them.

    Parameters
    ----------
    places : (time, body, 3) m, as the network read them.
    film : (time, row, column, 3) uint8 of an orthographic view.

    Returns
    -------
    Places of the same shape, and whether each body (body,) was seen; those of bodies that nothing
    near was seen of are unchanged.
    """
    rows = film.shape[1]
    row, column, _ = view.project(places, (rows, film.shape[2]))
    read = np.stack([row, column], -1)
    seen = track(film, fps=fps)["position"].values[0, 0]
    found, known = places.copy(), np.zeros(places.shape[1], bool)
    if not seen.shape[1] or not places.shape[1]:
        return found, known
    off = seen[:, None] - read[:, :, None]  # (time, body, thing, 2)
    apart = np.linalg.norm(off, axis=-1)
    some = np.isfinite(apart).any(axis=0)
    mean = np.where(some, np.nansum(np.nan_to_num(apart), axis=0)
                    / np.maximum(np.isfinite(apart).sum(axis=0), 1), np.inf)
    reach = NEAR * rows
    body, thing = linear_sum_assignment(np.minimum(mean, reach))
    across, upward, _ = view.basis
    pitch = view.height_m / rows
    for b, t in zip(body, thing, strict=True):
        if mean[b, t] >= reach:
            continue
        move = off[:, b, t]
        # Where it is hidden for a moment, as far off as otherwise.
        move = np.where(np.isfinite(move), move, np.nanmean(move, axis=0))
        found[:, b] += pitch * (move[:, 1:] * across - move[:, :1] * upward)
        known[b] = True
    return found, known


@torch.no_grad()
def looked_at(places: np.ndarray, turns: np.ndarray, half: np.ndarray, seen: np.ndarray,
              film: np.ndarray, view: Camera, scenario: int, looker: Looker,
              ) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Places, turns and half sizes of bodies, after a closer look at each.

    Parameters
    ----------
    places : (time, body, 3) m. turns : (time, body, 6) first and third column of the rotation, as
        the network read them. half : (body, 3) m, half sizes; NaN where not known. seen : (body,)
        whose places are known well.
    film : (time, row, column, 3) uint8 of an orthographic view. scenario : the looker's number.

    Returns
    -------
    The same shapes, and of which bodies (body,) the turns are sure; what is of unknown size is
    unchanged, and where the looker is not sure.
    """
    found, turned, sizes = places.copy(), turns.copy(), half.copy()
    sized = np.isfinite(half).all(-1)
    certain = np.zeros(len(half), bool)
    if not sized.any():
        return found, turned, sizes, certain
    basis = np.array(view.basis)
    shape = (len(film), int(sized.sum()))
    rough = (turns.reshape(*turns.shape[:2], 2, 3) @ basis.T).reshape(turns.shape)[:, sized]
    for glance in range(GLANCES):
        every = np.broadcast_to(sizes[sized], (*shape, 3))
        said = looker(look(film, found[:, sized], every, rough, view, scenario))
        off, read, larger, spread = (
            part.numpy().astype(float).reshape(*shape, -1)
            for part in (said.off, said.turns, said.larger, said.log_spread.exp()))
        if glance == GLANCES - 1:
            break
        sure = (spread[..., :1] < SURE_OF_PLACE) & ~seen[sized][:, None]
        reach = reach_of(sizes[sized], view, film.shape[1])
        found[:, sized] += np.where(sure, off * reach[:, None], 0.0) @ basis[:2]
        sure = np.median(spread[..., 2], axis=0)[:, None] < SURE_OF_SIZE
        sizes[sized] *= np.exp(np.where(sure, np.median(larger, axis=0), 0.0))
    pairs = orthonormal(read).reshape(*shape, 2, 3) @ basis
    sure = spread[..., 1:2] < SURE_OF_TURN
    turned[:, sized] = np.where(sure, pairs.reshape(*shape, 6), turned[:, sized])
    certain[sized] = np.median(spread[..., 1], axis=0) < CERTAIN_OF_TURN
    return found, turned, sizes, certain


def orthonormal(turns: np.ndarray) -> np.ndarray:
    """The columns (…, 6) of rotations that are nearest to two columns each (polar decomposition of
    the pair; Schoenemann 1966)."""
    pair = turns.reshape(*turns.shape[:-1], 2, 3)
    left, _, right = np.linalg.svd(pair, full_matrices=False)
    return np.asarray(left @ right).reshape(turns.shape)
