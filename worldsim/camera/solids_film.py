"""One member's video: solids before a backdrop.

What never moves is cast once; of every frame only the pixels in which something else, or its
shadow, can appear are cast again.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from worldsim.camera.crew import Crew
from worldsim.camera.projection import Camera
from worldsim.camera.solids_frames import Frames
from worldsim.camera.solids_lens import Lens
from worldsim.camera.solids_shot import Shot, Still
from worldsim.camera.solids_solid import Scenery
from worldsim.camera.solids_states import Stage

PIXELS_TOGETHER = 200_000
"""Pixels that are worked on at once, of some rows of some frames: bounds memory."""


class SolidsFilm:
    """One member's video."""

    def __init__(self, stage: Stage, camera: Camera, size: tuple[int, int]) -> None:
        self._stage, self._size = stage, size
        self._scenery = Scenery(Lens(camera, size), stage.backdrop)

    def expose(self, layers: dict[str, np.ndarray], crew: Crew | type[map],
               advance: Callable[[float], None]) -> None:
        """Fill rgb (frame, row, column, 3) and, where given, depth and segmentation.

        The work is shared out among the `crew`, if it is not `map`: each pixel is the work of
        one, so that their number does not change it.
        """
        frames, columns = len(layers["rgb"]), self._size[1]
        bands = self._bands()
        for done, rows in enumerate(bands):
            still = Still(self._scenery, self._stage.still.during(slice(0, 1)),
                          Frames(1, rows, columns))
            together = max(1, PIXELS_TOGETHER // ((rows[1] - rows[0]) * columns))
            takes = [slice(first, min(first + together, frames))
                     for first in range(0, frames, together)]

            def shoot(take: slice, rows: tuple[int, int] = rows, still: Still = still) -> slice:
                shot = Shot(self._scenery, self._stage.moving.during(take),
                            Frames(take.stop - take.start, rows, columns), still)
                _develop(shot, still, {name: layer[take, slice(*rows)]
                                       for name, layer in layers.items()})
                return take

            for take in crew(shoot, takes):
                advance((done + take.stop / frames) / len(bands) * frames)

    def _bands(self) -> list[tuple[int, int]]:
        height = max(1, PIXELS_TOGETHER // self._size[1])
        return [(row, min(row + height, self._size[0]))
                for row in range(0, self._size[0], height)]


def _develop(shot: Shot, still: Still, layers: dict[str, np.ndarray]) -> None:
    """Fill the layers (frame, row, column) with a shot."""
    frames, *shape = layers["rgb"].shape[:-1]
    layers["rgb"][:] = _to_bytes(still.picture.colour).reshape(*shape, 3)
    layers["rgb"][np.unravel_index(shot.changed, (frames, *shape))] = _to_bytes(shot.colour)
    if "depth" in layers:
        layers["depth"][:] = shot.distance.reshape(frames, *shape)
    if "segmentation" in layers:
        layers["segmentation"][:] = shot.label.reshape(frames, *shape)


def _to_bytes(colour: np.ndarray) -> np.ndarray:
    """(n, 3) uint8 from (3, n)."""
    return np.clip(colour + np.float32(0.5), 0, 255).astype(np.uint8).T
