"""What lives in a world beside its water and its buildings: people, coastal works, ...

A process reads the state at each exchange between water and bodies, pushes the bodies that are
its own, and says what is to be recorded of it, as a group of the rollout.
"""

from __future__ import annotations

import dataclasses
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import xarray as xr

if TYPE_CHECKING:
    from worldsim.simulator.floating import WaterFields
    from worldsim.simulator.members import World
    from worldsim.simulator.scene import Hidden, Scene


@dataclasses.dataclass(frozen=True)
class Variable:
    """A recorded quantity.

    dims : those after (case, realization[, time]). flags : names of the values of a code.
    """

    dims: tuple[str, ...]
    units: str
    meaning: str
    dtype: Any = np.float32
    flags: tuple[str, ...] = ()

    @property
    def attributes(self) -> dict[str, Any]:
        """Of the variable in the rollout."""
        attrs: dict[str, Any] = {"units": self.units, "long_name": self.meaning}
        if self.flags:
            attrs["flag_values"] = list(range(len(self.flags)))
            attrs["flag_meanings"] = " ".join(self.flags)
        return attrs


@dataclasses.dataclass(frozen=True)
class Declaration:
    """All that a process records.

    sizes : of its own dims. series : at each stored time. totals : at the end.
    static : what is known of each case at the start, dims (case, ...), and coordinates.
    """

    sizes: dict[str, int]
    series: dict[str, Variable]
    totals: dict[str, Variable]
    static: xr.Dataset


class Process(ABC):
    """One process of a batch of members. All arrays have a leading member axis."""

    group: ClassVar[str]
    """The group of the rollout in which it is recorded."""

    @classmethod
    @abstractmethod
    def present(cls, scenes: list[Scene]) -> bool:
        """Whether any scene has any of it."""

    @classmethod
    @abstractmethod
    def declare(cls, scenes: list[Scene]) -> Declaration:
        """What it records of scenes of which some have it."""

    @abstractmethod
    def __init__(self, world: World, scenes: list[Scene], hidden: list[Hidden]) -> None: ...

    def load(self, water: WaterFields) -> np.ndarray | None:
        """Before the bodies move: look at the water, push own bodies (`Bodies.free`).

        Returns
        -------
        (2, member, ny, nx) m2/s given to the water's momenta in return, or None. What it gives
        must be the impulse that it applies as `water_force`: the books are kept from both.
        """
        return None

    def substep(self) -> None:
        """Before each MuJoCo step: forces that are not the water's (ground, muscles)."""
        return None

    @abstractmethod
    def after(self, failed: list[tuple[int, int, int]]) -> None:
        """After the bodies have moved; `failed` (member, building, storey) just came down."""

    @abstractmethod
    def now(self) -> dict[str, np.ndarray]:
        """The present values of `Declaration.series`, (member, ...)."""

    @abstractmethod
    def end(self) -> dict[str, np.ndarray]:
        """The final values of `Declaration.totals`, (member, ...)."""


def _unknown(shape: tuple[int, ...], dtype: Any) -> np.ndarray:
    """What members keep that have nothing of a process which others have."""
    return np.full(shape, np.nan if np.dtype(dtype).kind == "f" else 0, dtype)


class GroupRecord:
    """What is recorded of one process, or of the buildings, over all members."""

    def __init__(self, declaration: Declaration, shape: tuple[int, int], frames: int) -> None:
        self._declaration = declaration
        self._series = {
            name: _unknown((*shape, frames, *self._sizes(variable)), variable.dtype)
            for name, variable in declaration.series.items()
        }
        self._totals = {
            name: _unknown((*shape, *self._sizes(variable)), variable.dtype)
            for name, variable in declaration.totals.items()
        }

    def _sizes(self, variable: Variable) -> tuple[int, ...]:
        return tuple(self._declaration.sizes[dim] for dim in variable.dims)

    def store(
        self,
        at: tuple[np.ndarray, np.ndarray, int],
        now: Mapping[str, np.ndarray],
        active: np.ndarray,
    ) -> None:
        """Keep the present values `now`, (member, ...) each, as those of `at` (cases, realizations,
        frame); members that have been stopped, not `active` (member,), stay at their last ones."""
        case, realization, frame = at
        for name, values in now.items():
            kept = self._series[name]
            if frame and not active.all():
                running = active.reshape(-1, *(1,) * (values.ndim - 1))
                values = np.where(running, values, kept[case, realization, frame - 1])
            kept[at] = values

    def finish(self, at: tuple[Any, ...], end: Mapping[str, np.ndarray]) -> None:
        """Keep what is known at the `end` of the members `at` (cases, realizations)."""
        for name, values in end.items():
            self._totals[name][at] = values

    def dataset(self, time: dict[str, Any]) -> xr.Dataset:
        """The group of the rollout."""
        member = ("case", "realization")
        declared = self._declaration
        variables = {
            name: ((*member, "time", *declared.series[name].dims), values,
                   declared.series[name].attributes)
            for name, values in self._series.items()
        } | {
            name: ((*member, *declared.totals[name].dims), values,
                   declared.totals[name].attributes)
            for name, values in self._totals.items()
        }
        return xr.Dataset(variables, coords=time).merge(declared.static)
