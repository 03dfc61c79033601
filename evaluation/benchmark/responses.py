"""Responses: the one number of a what-if that is followed as a parameter is swept."""

from __future__ import annotations

import dataclasses

import numpy as np
import xarray as xr

from evaluation.metrics.metric import Sample
from evaluation.metrics.trajectory import placed
from worldsim.errors import InputError


@dataclasses.dataclass(frozen=True)
class Response:
    """How far an object has come by some instant, from where it was when the video began.

    name, meaning : in tables. object : its number in the truth. time : s, of a frame.
    along : "x" (to the right), "y" (upwards), or "way" (the distance as the crow flies).
    """

    name: str
    meaning: str
    object: int = 0
    time: float = 0.5
    along: str = "way"
    unit: str = "m"

    def __post_init__(self) -> None:
        if self.along not in ("x", "y", "way"):
            raise InputError(f"along={self.along!r} of a response: give x, y or way")

    def of_video(self, sample: Sample) -> xr.DataArray:
        """(case, realization) in a video; a lost object counts as where it was last seen."""
        return self._of(placed(sample))

    def of_state(self, sample: Sample) -> xr.DataArray:
        """(case, realization) in truth."""
        return self._of(sample.state["objects"]["position"])

    def _of(self, position: xr.DataArray) -> xr.DataArray:
        times = position["time"].values
        frame = int(np.abs(times - self.time).argmin())
        one = position.isel(object=self.object)
        moved = one.isel(time=frame) - one.isel(time=0)
        if self.along == "way":
            return np.sqrt((moved**2).sum("xy", skipna=False))
        return moved.isel(xy=0 if self.along == "x" else 1)


RESPONSES = {
    response.name: response for response in (
        Response("fall", "how far the first ball has fallen after 0.35 s", time=0.35, along="y"),
        Response("throw", "how far across the first ball has flown after 0.5 s", time=0.5,
                 along="x"),
        Response("struck", "how far the struck body has come after 1.5 s", object=1, time=1.5),
        Response("slide", "how far the body has come down the slope after 0.8 s", time=0.8),
        Response("swing", "how far the bob is from its release after 0.4 s", time=0.4),
        Response("pushed", "how far across the first ball is after 0.75 s", time=0.75, along="x"),
    )
}
"""By name."""
