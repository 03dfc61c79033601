"""Members that were stopped because their numbers ceased to be finite."""

from __future__ import annotations

import numpy as np

from worldsim.simulator.audit import Failure


class Stops:
    """Which members were stopped, why, when and where.

    active : (member,) bool. cause : `Failure` codes. time : s. step : of the water, counted from
    the start; cell : (member, 2) row and column of the water; both -1 where there is none.
    """

    def __init__(self, members: int) -> None:
        self.active = np.ones(members, dtype=bool)
        self.cause = np.full(members, int(Failure.NONE))
        self.time = np.full(members, np.nan)
        self.step = np.full(members, -1)
        self.cell = np.full((members, 2), -1)

    def stop(
        self,
        member: int,
        cause: Failure,
        time: float,
        step: int = -1,
        cell: tuple[int, int] = (-1, -1),
    ) -> None:
        """Stop a member for good."""
        self.active[member] = False
        self.cause[member], self.time[member] = int(cause), time
        self.step[member], self.cell[member] = step, cell
