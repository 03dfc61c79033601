"""From pixels of the overhead view to metres on the ground."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import xarray as xr

from worldsim.errors import InputError
from worldsim.rollout import VIDEO_DIMS


@dataclasses.dataclass(frozen=True)
class GroundGrid:
    """Pixel centres of an orthographic view from straight above.

    x : (column,) metres, ascending.
    y : (row,) metres, descending: row 0 is the largest y.
    pitch : side of one (square) pixel in metres.
    """

    x: np.ndarray
    y: np.ndarray
    pitch: float

    @classmethod
    def of(cls, video: xr.Dataset) -> GroundGrid:
        """The grid of a `/video/<camera>` data set.

        Raises
        ------
        InputError : no camera in the attributes, or one that does not look straight down.
        """
        rgb = video["rgb"]
        if tuple(rgb.dims) != VIDEO_DIMS or rgb.dtype != np.uint8 or rgb.sizes["channel"] != 3:
            raise InputError(
                f"video has dims {tuple(rgb.dims)}, dtype {rgb.dtype}; give {VIDEO_DIMS} uint8 RGB"
            )
        if 0 in rgb.shape:
            raise InputError(f"video of shape {rgb.shape} has no pixel; give at least one frame")
        camera = json.loads(video.attrs.get("camera", "{}"))
        if camera.get("projection") != "orthographic":
            raise InputError(
                f"instruments on the ground need an orthographic camera, this is "
                f"{camera.get('projection', 'unknown')!r}; use the overhead view"
            )
        rows, columns = rgb.sizes["row"], rgb.sizes["column"]
        pitch = float(camera["height_m"]) / rows
        x_centre, y_centre = (float(v) for v in camera["target"][:2])
        x = x_centre + (np.arange(columns) - (columns - 1) / 2) * pitch
        y = y_centre - (np.arange(rows) - (rows - 1) / 2) * pitch
        return cls(x, y, pitch)

    def xy(self, row: np.ndarray, column: np.ndarray) -> np.ndarray:
        """Metres (…, [x, y]) of fractional pixel positions."""
        return np.stack([self.x[0] + column * self.pitch, self.y[0] - row * self.pitch], axis=-1)
