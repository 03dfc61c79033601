"""Rays and bounds in the camera's own axes: right, up, forward."""

from __future__ import annotations

import numpy as np

from worldsim.camera.projection import NEAR, Camera
from worldsim.camera.solids_shapes import Triple
from worldsim.camera.solids_states import SHAPES, Solids, applied
from worldsim.simulator.mechanics.bodies import Shape

SAMPLES = 16
"""Rays through a pixel that an edge crosses."""

_TURNS = (0, 8, 4, 12, 2, 10, 6, 14, 1, 9, 5, 13, 3, 11, 7, 15)
PLACES = np.stack([
    (np.array(_TURNS) + 0.5) / SAMPLES, (np.arange(SAMPLES) + 0.5) / SAMPLES,
]).astype(np.float32)
"""Where in the pixel they pass, (column and row, sample): one in each sixteenth of its width and
of its height (van der Corput's sequence), so that upright and level edges are placed to 1/32
pixel."""


class Lens:
    """A camera's rays for pictures of one size, in single precision.

    perspective : whether all rays begin at the camera. pixel : height of a pixel, in m or, in
    perspective, in m at a distance of 1 m.
    """

    def __init__(self, camera: Camera, size: tuple[int, int]) -> None:
        self.camera, self.size = camera, size
        self.perspective = camera.projection == "perspective"
        row, _, _ = camera.project(
            camera.position + camera.basis[2] + np.stack([camera.basis[1] * 0, camera.basis[1]]),
            size,
        )
        self.pixel = np.float32(1 / (row[0] - row[1]))
        self.begin = np.float32(NEAR if self.perspective else 0.0)

    def rays(self, row: np.ndarray, column: np.ndarray) -> tuple[Triple, Triple]:
        """Origins and unit directions of rays at continuous pixel coordinates."""
        rows, columns = self.size
        across = (column - np.float32(columns / 2)) * self.pixel
        upward = (np.float32(rows / 2) - row) * self.pixel
        zero, one = np.float32(0), np.float32(1)
        if not self.perspective:
            return (across, upward, zero), (zero, zero, one)
        shrink = one / np.sqrt(across * across + upward * upward + one)
        return (zero, zero, zero), (across * shrink, upward * shrink, shrink)

    def through_pixel(self, row: np.ndarray, column: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Pixel coordinates (sample, n) of the rays through pixels (n,).

        To the right of the middle they pass where those to the left do, mirrored, so that the
        picture of a mirrored world is the mirrored picture.
        """
        across, down = PLACES[:, :, None]
        right = column >= self.size[1] / 2
        return row + down, column + np.where(right, 1 - across, across)

    def seen_from_here(self, solids: Solids) -> Solids:
        """Solids in the camera's axes."""
        basis = self.camera.basis
        position = applied_to(basis, solids.position - np.asarray(self.camera.position))
        rotation = np.stack(
            [applied_to(basis, solids.rotation[..., i]) for i in range(3)], axis=-1
        )
        return Solids(position, rotation, solids.size, solids.shape, solids.pattern,
                      solids.colour, solids.second, solids.field, solids.label)

    def turned(self, vector: np.ndarray) -> np.ndarray:
        """A direction (3,) of the world in the camera's axes."""
        return applied_to(self.camera.basis, vector)

    def bounds(self, solids: Solids, rows: tuple[int, int],
               moved: np.ndarray | None = None) -> np.ndarray:
        """First row, last row + 1, first column and last column + 1 (4, frame, n) of the pixels
        within `rows` that solids, in world coordinates, can appear in, also on a way along which
        they are `moved` (frame, n, 3) [m]."""
        first = np.array([rows[0], 0])[:, None, None]
        last = np.array([rows[1], self.size[1]])[:, None, None]
        hulls = self._corners(solids)
        if moved is not None:
            hulls = np.concatenate([hulls, hulls + moved[:, :, None]], axis=2)
        extent = np.stack(self.camera.extent(hulls.reshape(-1, hulls.shape[2], 3), self.size))
        extent = extent.reshape(4, *solids.position.shape[:2])
        unseen = ~np.all(np.isfinite(extent), axis=0)
        extent = np.where(unseen, -1.0, np.clip(extent, -1.0, 1e6))
        begin = np.clip(np.floor(extent[[0, 2]]), first, last)
        end = np.clip(np.floor(extent[[1, 3]]) + 1, first, last)
        everywhere = (solids.shape == SHAPES.index(Shape.PLANE))[None]
        begin, end = np.where(everywhere, first, begin), np.where(everywhere, last, end)
        return np.stack([begin[0], end[0], begin[1], end[1]]).astype(np.int64)

    def _corners(self, solids: Solids) -> np.ndarray:
        """Corners (frame, n, 8, 3) of boxes around solids."""
        radius, half = solids.size[..., 0], solids.size[..., 1]
        code = solids.shape[None]
        sphere, capsule = SHAPES.index(Shape.SPHERE), SHAPES.index(Shape.CAPSULE)
        box = code == SHAPES.index(Shape.BOX)
        sizes = np.stack([
            radius, np.where(box, half, radius),
            np.where(box, solids.size[..., 2], np.where(
                code == sphere, radius, half + np.where(code == capsule, radius, 0.0))),
        ], axis=-1)
        # A sphere has no axes; those of the camera bound it most closely.
        rotation = np.where((code == sphere)[..., None, None], self.camera.basis.T,
                            solids.rotation)
        signs = np.stack(np.meshgrid(*[[-1.0, 1.0]] * 3, indexing="ij"), -1).reshape(8, 3)
        return solids.position[:, :, None] + applied(
            rotation[:, :, None], sizes[:, :, None] * signs
        )


def applied_to(matrix: np.ndarray, vectors: np.ndarray) -> np.ndarray:
    """One matrix (3, 3) times vectors (…, 3)."""
    return applied(matrix, vectors)
