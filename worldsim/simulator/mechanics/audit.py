"""Why a simulation of rigid bodies cannot be trusted."""

from __future__ import annotations

import enum
import json

import numpy as np
import xarray as xr

FARTHEST = 1e3
"""m from the origin: what is beyond has been thrown out by the solver."""

ENERGY_GAIN = 0.01
"""Rise of the total energy over the scale of energies, in scenes where nothing drives."""

AT_REST = 0.01
"""Least scale of energies: what lifts all that can move by this part of its thickness. Bodies at
rest have no scale of their own, and settle by far less."""

DEEPEST = 0.05
"""Penetration in a stored state, over the smaller solid's thickness."""

DEEPEST_PLUNGE = 0.45
"""The same of a contact when it is found, before it is taken back to its moment; close to 0.5
bodies begin to pass through each other."""


class Failure(enum.IntEnum):
    """Why a member cannot be trusted."""

    NONE = 0
    DIVERGED = 1
    ENERGY = 2
    PENETRATION = 3

    @property
    def meaning(self) -> str:
        """In words."""
        return {
            Failure.NONE: "sound",
            Failure.DIVERGED: "the bodies ceased to be finite or flew away",
            Failure.ENERGY: "energy came from nowhere",
            Failure.PENETRATION: "bodies went deep into each other",
        }[self]


def failed_lines(rollout: xr.DataTree) -> list[str]:
    """One line for each failed member of a rollout of rigid bodies: which, why, when or how far."""
    audit = rollout["audit"].to_dataset()
    limits = json.loads(audit.attrs["limits"])
    lines = []
    for i, j in np.argwhere(audit["failed"].values):
        member = audit.isel(case=i, realization=j)
        cause = Failure(int(member["failure"]))
        line = f"case {int(rollout['case'][i])}, realization {int(rollout['realization'][j])}: "
        line += cause.meaning
        if cause is Failure.DIVERGED:
            line += f" at {float(member['failure_time']):.6g} s; its states stay the last good ones"
        else:
            book = {Failure.ENERGY: "energy_gain", Failure.PENETRATION: "penetration"}[cause]
            line += f" ({book} {float(member[book]):.1e}, limit {limits[book]:.0e})"
        lines.append(line)
    return lines
