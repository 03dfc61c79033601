"""Where things begin: at random, and clear of each other."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def apart(
    rng: np.random.Generator, count: int, low: float, high: float, gap: float
) -> list[float]:
    """`count` numbers in random order within `low` to `high`, at least `gap` apart.

    Where that many do not fit the gap is what does. Uniform over all such choices (the spacings of
    ordered uniform draws, with the gaps added).
    """
    if not count:
        return []
    gap = min(gap, (high - low) / count) if count > 1 else 0.0
    free = np.sort(rng.uniform(0.0, high - low - gap * (count - 1), count))
    return [float(v) for v in rng.permutation(low + free + gap * np.arange(count))]


def scatter(
    rng: np.random.Generator,
    radii: Sequence[float] | np.ndarray,
    low: Sequence[float],
    high: Sequence[float],
    gap: float = 0.0,
) -> np.ndarray:
    """Centres (count, k) of balls of given `radii` in the box from `low` to `high` (k each), which
    do not touch each other or the box and leave `gap` between them, m.

    Random sequential addition while that succeeds; a crowd that it cannot place goes on the places
    of a shaken lattice.
    """
    floor, ceiling = np.asarray(low, float), np.asarray(high, float)
    radius = np.asarray(radii, float)
    centres = np.empty((len(radius), len(floor)))
    for number, own in enumerate(radius):
        for _ in range(400):
            centre = rng.uniform(floor + own + gap, ceiling - own - gap)
            away = np.linalg.norm(centres[:number] - centre, axis=1)
            if np.all(away >= radius[:number] + own + gap):
                centres[number] = centre
                break
        else:
            return _lattice(rng, float(radius.max()), len(radius), floor, ceiling, gap)
    return centres


def _lattice(
    rng: np.random.Generator,
    radius: float,
    count: int,
    low: np.ndarray,
    high: np.ndarray,
    gap: float,
) -> np.ndarray:
    """Cells of a square lattice in random order, each centre shaken within its cell."""
    cells = np.maximum(np.floor((high - low - 2 * gap) / (2 * radius + gap)).astype(int), 1)
    side = (high - low - 2 * gap) / cells
    assert np.prod(cells) >= count and np.all(side >= 2 * radius), "a scene too crowded to place"
    chosen = rng.permutation(int(np.prod(cells)))[:count]
    index = np.stack(np.unravel_index(chosen, tuple(cells)), axis=-1)
    shake = np.maximum(side - 2 * radius - gap, 0.0) / 2
    return low + gap + (index + 0.5) * side + rng.uniform(-1, 1, index.shape) * shake
