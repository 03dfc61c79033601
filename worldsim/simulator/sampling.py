"""Fields of the water at points, and what is given back to it there by the same weights."""

from __future__ import annotations

import numpy as np

from worldsim.simulator.scene import Domain


class Bilinear:
    """Bilinear sampling of (member, ny, nx) fields from wet cells only, and its transpose.

    wet_share : weight of the wet cells around each point; 0 outside the domain.
    """

    def __init__(
        self, member: np.ndarray, x: np.ndarray, y: np.ndarray, wet: np.ndarray, domain: Domain
    ) -> None:
        """`member`, `x`, `y` of the points, of one shape, m."""
        column = np.clip(x / domain.dx - 0.5, 0, domain.nx - 1)
        row = np.clip(y / domain.dy - 0.5, 0, domain.ny - 1)
        inside = (x > 0) & (x < domain.length) & (y > 0) & (y < domain.width)
        column0 = np.minimum(column.astype(np.int64), domain.nx - 2)
        row0 = np.minimum(row.astype(np.int64), domain.ny - 2)
        fx, fy = column - column0, row - row0
        self.corners = []
        weights = []
        first = (member * domain.ny + row0) * domain.nx + column0
        wet = wet.reshape(-1)
        for dj, di in ((0, 0), (0, 1), (1, 0), (1, 1)):
            # One flat index: several times faster than three.
            at = first + (dj * domain.nx + di)
            weight = (fy if dj else 1 - fy) * (fx if di else 1 - fx) * inside * wet[at]
            self.corners.append(at)
            weights.append(weight)
        self.wet_share = np.add.reduce(weights)
        safe = np.where(self.wet_share > 0, self.wet_share, 1.0)
        self.weights = [weight / safe for weight in weights]

    def __call__(self, field: np.ndarray) -> np.ndarray:
        field = field.reshape(-1)
        return np.add.reduce(
            [weight * field[at] for weight, at in zip(self.weights, self.corners, strict=True)]
        )

    def scatter(self, field: np.ndarray, values: np.ndarray) -> None:
        """Add `values` at the points to a field, by the weights by which it is sampled."""
        assert field.flags.c_contiguous, "or the values would go to a copy"
        field = field.reshape(-1)
        for weight, at in zip(self.weights, self.corners, strict=True):
            np.add.at(field, at, weight * values)
