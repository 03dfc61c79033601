"""The books of what tanks release: came in = is there + went out + decayed."""

from __future__ import annotations

import numpy as np

from worldsim.simulator.water import Budget, WaterState


class TracerBooks:
    """Masses in kg so far, (member,) each: came_in from tanks, gone_out through the sides,
    decayed."""

    def __init__(self, members: int) -> None:
        self.came_in, self.gone_out, self.decayed = (np.zeros(members) for _ in range(3))

    def book(self, budget: Budget) -> None:
        """Add one interval."""
        self.came_in += budget.tracer_in.numpy()
        out = budget.tracer_out.numpy()
        self.gone_out += (out[:, 0] + out[:, 1]) + (out[:, 2] + out[:, 3])
        self.decayed += budget.tracer_decayed.numpy()

    def held(self, water: WaterState, cell_area: float) -> np.ndarray:
        """Mass in the water now, (member,) kg."""
        if water.tracer is None:
            return np.zeros_like(self.came_in)
        return cell_area * water.tracer.double().flatten(1).sum(1).numpy()

    def error(self, water: WaterState, cell_area: float) -> np.ndarray:
        """Mass that the books cannot explain, over all that came, (member,)."""
        found = self.held(water, cell_area) + self.gone_out + self.decayed
        return np.abs(found - self.came_in) / np.where(self.came_in > 0, self.came_in, 1.0)
