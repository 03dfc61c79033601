"""Discs: round outlines fitted to what is seen of them, alone, partly hidden or touching."""

from __future__ import annotations

import numpy as np
import torch
from scipy import signal

TRIMMED = 0.12
"""Squared residual that a pixel of the disc costs at most where nothing of the object is seen:
what hides it is not known. Seen pixels outside the disc cost their full square."""

LEVELS = ((1.0, 4), (1 / 3, 2), (1 / 9, 2), (1 / 27, 1))
"""Steps, in units of the first, and half widths of the grids on which the centre is sought."""

def tolerance(radius: np.ndarray | float) -> np.ndarray | float:
    """Mean squared residual per covered pixel up to which a disc fits; a square's is 0.1. What
    pixels and compression spoil lies along the edge, the more of it the smaller the disc."""
    return 0.05 + 0.35 / np.maximum(radius, 1.3) ** 2


def coverage(distance: torch.Tensor, radius: torch.Tensor) -> torch.Tensor:
    """Share of pixels at a distance [px] from the centre of a disc that it covers: a straight edge
    across a pixel."""
    return (radius - distance + 0.5).clamp(0.0, 1.0)


def fit_discs(share: torch.Tensor, known: torch.Tensor, start: torch.Tensor,
              radius: torch.Tensor, reach: torch.Tensor | None = None) -> torch.Tensor:
    """Centres of discs that explain best what is seen of them.

    Each pixel of a window costs the square of disc minus share, at most `TRIMMED` where the disc
    is and the object is not seen (something hides it); the centre is sought on ever finer grids.

    Parameters
    ----------
    share : (n, height, width) of the pixels that the object is seen to cover.
    known : (n, height, width) bool; False where it cannot be seen whether it is there.
    start : (n, [row, column]) px in the window, a first guess. radius : (n,) px.
    reach : (n,) px, step of the first grid, whose half width is 4 steps; a sixth of the radius
        and at least 0.4 px by default.

    Returns
    -------
    (n, [row, column]) px in the window.
    """
    step = (radius / 6).clamp(min=0.4) if reach is None else reach
    rows = torch.arange(share.shape[1]) + 0.5
    columns = torch.arange(share.shape[2]) + 0.5
    weight = known.to(share)
    centre = start.clone()
    for scale, half in LEVELS:
        offset = torch.arange(-half, half + 1, dtype=share.dtype)
        grid = torch.cartesian_prod(offset, offset)
        tried = centre[:, None] + grid[None] * (scale * step)[:, None, None]
        best = torch.empty_like(centre)
        # Windows of one call together stay small enough for the processor's cache.
        chunk = max(1, 400_000 // (len(grid) * share[0].numel()))
        for first in range(0, len(tried), chunk):
            some = slice(first, first + chunk)
            across = (columns - tried[some, :, 1, None]) ** 2
            down = (rows - tried[some, :, 0, None]) ** 2
            away = (down[..., :, None] + across[..., None, :]).sqrt()
            excess = coverage(away, radius[some, None, None, None]) - share[some, None]
            square = excess * excess
            cost = torch.where(excess > 0, square.clamp(max=TRIMMED), square)
            total = (cost * weight[some, None]).sum(dim=(-2, -1))
            pick = total.argmin(dim=1)
            best[some] = tried[some][torch.arange(len(pick)), pick]
        centre = best
    return centre


def roundness(share: torch.Tensor, centre: torch.Tensor, radius: torch.Tensor) -> torch.Tensor:
    """(n,) mean squared residual per covered pixel of discs in windows (n, height, width)."""
    rows = torch.arange(share.shape[1]) + 0.5
    columns = torch.arange(share.shape[2]) + 0.5
    away = ((rows - centre[:, 0, None])[:, :, None] ** 2
            + (columns - centre[:, 1, None])[:, None, :] ** 2).sqrt()
    excess = coverage(away, radius[:, None, None]) - share
    return (excess**2).sum(dim=(1, 2)) / share.sum(dim=(1, 2)).clamp(min=1e-6)


def split(share: np.ndarray, radius: float, count: int) -> np.ndarray:
    """Centres of `count` equal discs that do not overlap much and fill a patch: matching pursuit
    (Mallat and Zhang, 1993), then each fitted with the others in place.

    Parameters
    ----------
    share : (row, column) of the patch, 0 around it.

    Returns
    -------
    (count, [row, column]) px.
    """
    half = int(np.ceil(radius + 0.5))
    offset = np.arange(-half, half + 1)
    kernel = np.clip(radius + 0.5 - np.hypot(offset[:, None], offset), 0, 1)
    both = signal.fftconvolve(kernel, kernel)
    score = signal.fftconvolve(2 * share - 1, kernel, mode="same")
    padded = np.full(np.array(share.shape) + 4 * half, -np.inf)
    padded[2 * half : -2 * half, 2 * half : -2 * half] = score
    centres = []
    for _ in range(count):
        at = np.unravel_index(int(np.argmax(padded)), padded.shape)
        centres.append(np.array(at) - 2 * half + 0.5)
        # What this disc explains no other should: its pixels now count as empty.
        window = tuple(slice(x - 2 * half, x + 2 * half + 1) for x in at)
        padded[window] -= 2 * both
    places = np.array(centres)
    return _settled(share, radius, places) if count <= SETTLED else places


SETTLED = 12
"""Discs in one patch up to which each is fitted; in a larger crowd their places are to a pixel."""


def _settled(share: np.ndarray, radius: float, places: np.ndarray) -> np.ndarray:
    """Each disc fitted in turn to the pixels that the others leave, twice over."""
    rows, columns = (np.arange(length) + 0.5 for length in share.shape)
    seen = torch.from_numpy(share.astype(np.float32))
    reach = torch.full((1,), 0.35)
    for _ in range(2):
        for number in range(len(places)):
            others = np.delete(places, number, axis=0)
            away = np.hypot(rows[None, :, None] - others[:, 0, None, None],
                            columns[None, None, :] - others[:, 1, None, None])
            free = torch.from_numpy((away > radius + 0.5).all(axis=0))
            start = torch.from_numpy(places[number][None].astype(np.float32))
            found = fit_discs((seen * free)[None], torch.ones_like(free)[None], start,
                              torch.full((1,), radius), reach)
            places[number] = found[0].numpy()
    return places
