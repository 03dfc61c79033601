"""Compiled kernels: the same water as the eager ones, the same bits alone or in a batch."""

import shutil

import pytest
import torch

from worldsim.simulator.water import (
    Boundaries,
    Grid,
    IncomingWave,
    Open,
    ShallowWater,
    lake_at_rest,
)

FIELDS = ("depth", "momentum_x", "momentum_y")


def beach(members: slice):
    bed = torch.linspace(-2.0, 0.6, 12, dtype=torch.float64).expand(2, 8, 12).clone()
    bed[1] += 0.1
    blocked = torch.zeros_like(bed, dtype=torch.bool)
    blocked[:, 2:4, 7:9] = True
    times = torch.linspace(0.0, 4.0, 21, dtype=torch.float64)
    elevation = torch.tensor([[0.8], [0.5]]) * torch.exp(-((times - 1.5) ** 2))
    sides = Boundaries(west=IncomingWave(times, elevation[members]), east=Open())
    return Grid(12, 8, 1.0, 1.0), bed[members], sides, blocked[members]


def flood(members: slice, compiled: bool):
    grid, bed, sides, blocked = beach(members)
    solver = ShallowWater(grid, bed, sides, compiled=compiled)
    assert solver.backend == ("compiled" if compiled else "eager")
    state, budget = solver.advance(lake_at_rest(bed, blocked), blocked, 0.0, 2.0)
    # a building falls: the list of walls shrinks
    return *solver.advance(state, blocked & False, 2.0, 1.0), budget


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.skipif(shutil.which("g++") is None, reason="torch.compile needs a C++ compiler, g++")
def test_compiled_water_agrees_with_eager_and_with_itself():
    torch.set_num_threads(1)
    both, _, budget = flood(slice(0, 2), compiled=True)
    eager, _, other = flood(slice(0, 2), compiled=False)
    for name in FIELDS:
        a, b = getattr(both, name), getattr(eager, name)
        assert float((a - b).abs().max()) <= 1e-10 * float(b.abs().max())
    torch.testing.assert_close(budget.wall_east, other.wall_east, rtol=1e-9, atol=1e-6)
    assert float(budget.wall_east.max()) > 0.0
    alone, _, single = flood(slice(1, 2), compiled=True)
    for name in FIELDS:
        assert torch.equal(getattr(alone, name)[0], getattr(both, name)[1])
    assert torch.equal(single.impulse()[0], budget.impulse()[1])
