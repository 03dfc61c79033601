"""Videos of shaded discs before a dull backdrop, each pixel the mean of many fine ones."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

COLOURS = ((214, 40, 40), (36, 84, 214), (34, 160, 60), (240, 200, 20))
FINE = 6


def painted(
    places: np.ndarray,
    radius: float,
    size: int,
    colours: Sequence[tuple[int, int, int]] = COLOURS,
    screen: tuple[float, float] | None = None,
    square: bool = False,
) -> np.ndarray:
    """Frames (time, size, size, 3) uint8.

    places : (time, disc, [row, column]) px; later discs are in front. screen : columns between
    which something dull is in front of all. square : squares of side 2 `radius` instead of discs.
    """
    at = (np.arange(size * FINE) + 0.5) / FINE
    sky = np.linspace(170, 205, size)[:, None, None]
    frames = []
    for centres in places:
        picture = np.broadcast_to(sky, (size, size, 3)).copy()
        for centre, colour in zip(centres, colours, strict=False):
            if not np.isfinite(centre).all():
                continue
            row, column = at[:, None] - centre[0], at[None] - centre[1]
            inside = (np.maximum(np.abs(row), np.abs(column)) < radius if square
                      else row**2 + column**2 < radius**2).astype(float)
            light = 0.7 + 0.3 * np.clip((column - row) / (1.5 * radius), -1, 1)
            share, lit = (part.reshape(size, FINE, size, FINE).mean((1, 3))[..., None]
                          for part in (inside, inside * light))
            picture = picture * (1 - share) + lit * np.array(colour)
        if screen is not None:
            hidden = ((at > screen[0]) & (at < screen[1])).reshape(size, FINE).mean(1)[:, None]
            picture = picture * (1 - hidden) + 120.0 * hidden
        frames.append(np.clip(np.round(picture), 0, 255).astype(np.uint8))
    return np.stack(frames)
