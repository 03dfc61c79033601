"""The audit of every member as a dataset, and what it says in words."""

from __future__ import annotations

import dataclasses
import json
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from worldsim.simulator.audit import Failure, limits_of
from worldsim.simulator.mechanics.audit import failed_lines

if TYPE_CHECKING:
    from worldsim.simulator.members import World

MEMBER = ("case", "realization")

ERRORS = {
    "mass_error": "unexplained water volume over all volume there was or came",
    "momentum_error": "unexplained momentum of the water over the sum of all impulses' sizes",
    "third_law_error": "impulse lost by the water less that received by bodies, over the same sum",
    "energy_gain": "largest unpaid rise of energy over the energy there was or came",
    "tracer_error": "unexplained mass of tracer over all that tanks released",
}
"""The books, in the order in which they are reported."""


class AuditRecord:
    """The audit of the members of a rollout, filled chunk by chunk."""

    def __init__(self, cases: int, realizations: int) -> None:
        shape = (cases, realizations)
        self._errors = {name: np.full(shape, np.nan) for name in ERRORS}
        self._cause = np.full(shape, int(Failure.NONE))
        self._time = np.full(shape, np.nan)
        self._step = np.full(shape, -1)
        self._cell = np.full((*shape, 2), -1)
        self._impulse = np.zeros((*shape, 2))
        self._limits = ""

    def finish(self, at: tuple[np.ndarray, np.ndarray], world: World) -> None:
        """Keep the closed books of the members `at` (cases, realizations)."""
        for name, values in self._errors.items():
            books = world if name == "tracer_error" else world.audit
            values[at] = getattr(books, name)
        self._cause[at] = world.failures()
        self._time[at], self._step[at] = world.stops.time, world.stops.step
        self._cell[at] = world.stops.cell
        self._impulse[at] = world.audit.body_impulse
        limits = limits_of(world.solver.bathymetry.dtype)
        self._limits = json.dumps(dataclasses.asdict(limits))

    def dataset(self) -> xr.Dataset:
        """`/audit` of the rollout."""
        variables = {
            name: (MEMBER, values, {"units": "1", "long_name": ERRORS[name]})
            for name, values in self._errors.items()
        }
        meanings = " ".join(failure.name.lower() for failure in Failure)
        return xr.Dataset(
            {
                **variables,
                "failed": (
                    MEMBER,
                    self._cause != int(Failure.NONE),
                    {"long_name": "stopped, or its books do not close: not to be trusted"},
                ),
                "failure": (
                    MEMBER,
                    self._cause,
                    {"flag_values": [int(f) for f in Failure], "flag_meanings": meanings},
                ),
                "failure_time": (
                    MEMBER,
                    self._time,
                    {"units": "s", "long_name": "when it stopped; states stay the last good ones"},
                ),
                "failure_step": (MEMBER, self._step, {"long_name": "of the water; -1 if none"}),
                "failure_cell": (
                    (*MEMBER, "row_column"),
                    self._cell,
                    {"long_name": "first bad cell of the water; -1 if none"},
                ),
                "body_impulse": (
                    (*MEMBER, "xy"),
                    self._impulse,
                    {"units": "N s", "long_name": "horizontal impulse of the water on all bodies"},
                ),
            },
            attrs={"limits": self._limits},
        )


def failed_members(rollout: xr.DataTree) -> list[str]:
    """One line for each failed member of a simulated rollout: which, why, where, what was kept."""
    audit = rollout["audit"].to_dataset()
    if "failure_cell" not in audit:  # no water
        return failed_lines(rollout)
    limits = json.loads(audit.attrs["limits"])
    lines = []
    for i, j in np.argwhere(audit["failed"].values):
        member = audit.isel(case=i, realization=j)
        cause = Failure(int(member["failure"]))
        line = f"case {int(rollout['case'][i])}, realization {int(rollout['realization'][j])}: "
        line += cause.meaning
        if np.isfinite(member["failure_time"]):
            line += f" at {float(member['failure_time']):.6g} s"
            if member["failure_step"] >= 0:
                row, column = (int(index) for index in member["failure_cell"])
                line += f" (step {int(member['failure_step'])}, row {row}, column {column})"
            line += "; its states stay the last good ones"
        else:
            book = ERROR_OF[cause]
            line += f" ({book} {float(member[book]):.1e}, limit {limits[LIMIT_OF[cause]]:.0e})"
        lines.append(line)
    return lines


ERROR_OF = {
    Failure.MASS: "mass_error",
    Failure.MOMENTUM: "momentum_error",
    Failure.THIRD_LAW: "third_law_error",
    Failure.ENERGY: "energy_gain",
    Failure.TRACER: "tracer_error",
}

LIMIT_OF = {
    Failure.MASS: "mass",
    Failure.MOMENTUM: "momentum",
    Failure.THIRD_LAW: "third_law",
    Failure.ENERGY: "energy",
    Failure.TRACER: "mass",
}
