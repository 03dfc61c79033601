"""What is kept of a dissolved tracer in a run of the water alone, and how it is labelled."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from worldsim.simulator.water.budget import Budget, total
from worldsim.simulator.water.state import Grid, WaterState

SHALLOW = 1e-3  # m, maxima of C leave out thinner films, in which a trace makes any C

TRACER_ATTRIBUTES = {
    "tracer": ("kg m-2", None, "dissolved tracer per area"),
    "concentration": ("kg m-3", None, "dissolved tracer per volume, depth-averaged, 0 where dry"),
    "gauge_concentration": ("kg m-3", None, "concentration of the dissolved tracer"),
    "maximum_concentration": ("kg m-3", None, f"largest in water deeper than {SHALLOW} m"),
    "tracer_mass": ("kg", None, "dissolved tracer within the domain at the end"),
    "tracer_in": ("kg", None, "tracer released since the start"),
    "tracer_out": ("kg", None, "tracer that left through the sides since the start"),
    "tracer_decayed": ("kg", None, "tracer that decayed since the start"),
    "tracer_error": ("1", None, "unexplained tracer over all that there was or came in"),
}


class TracerRecords:
    """Snapshots, gauges, the largest concentration and the books of a tracer."""

    def __init__(self, state: WaterState, grid: Grid, gauges: list[tuple[int, int]]) -> None:
        assert state.tracer is not None
        self._area = grid.dx * grid.dy
        self._rows = [row for row, _ in gauges]
        self._columns = [column for _, column in gauges]
        self._snapshots: list[tuple[Tensor, Tensor]] = []
        self._samples: list[Tensor] = []
        self._most = torch.zeros_like(state.tracer)
        self._start = self._area * total(state.tracer.double())
        zero = torch.zeros_like(self._start)
        self._books = {"in": zero, "out": zero, "decayed": zero}
        self._now = state
        self._note(state)

    def snapshot(self, state: WaterState) -> None:
        """Keep the whole state."""
        assert state.tracer is not None
        self._snapshots.append((state.tracer, state.concentration()))

    def sample(self, state: WaterState, budget: Budget) -> None:
        """Keep what is kept often: gauges, maxima and the books."""
        new = (budget.tracer_in, budget.tracer_out.sum(1), budget.tracer_decayed)
        pairs = zip(self._books.items(), new, strict=True)
        self._books = {name: booked + added for (name, booked), added in pairs}
        self._now = state
        self._note(state)

    def _note(self, state: WaterState) -> None:
        c = state.concentration()
        self._samples.append(c[:, self._rows, self._columns])
        deep = torch.where(state.depth > SHALLOW, c, 0.0)
        self._most = torch.maximum(self._most, deep)

    def error(self) -> Tensor:
        """Relative error of the tracer's mass (batch,)."""
        there = self._start + self._books["in"]
        gone = self._books["out"] + self._books["decayed"]
        return (self._mass() + gone - there).abs() / there.clamp(min=1e-300)

    def _mass(self) -> Tensor:
        assert self._now.tracer is not None
        return self._area * total(self._now.tracer.double())

    def values(self) -> dict[str, Any]:
        """All of it, by name, with its dims."""
        tracer, c = (torch.stack(kept, 1) for kept in zip(*self._snapshots, strict=True))
        plane, member = ("member", "y", "x"), ("member",)
        found: dict[str, Any] = {
            "tracer": (("member", "time", "y", "x"), tracer),
            "concentration": (("member", "time", "y", "x"), c),
            "gauge_concentration": (("member", "sample", "gauge"), torch.stack(self._samples, 1)),
            "maximum_concentration": (plane, self._most),
            "tracer_mass": (member, self._mass()),
            "tracer_error": (member, self.error()),
            **{f"tracer_{name}": (member, booked) for name, booked in self._books.items()},
        }
        return {name: (dims, field.cpu().numpy()) for name, (dims, field) in found.items()}
