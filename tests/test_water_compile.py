"""Compiled kernels: the same water as the eager ones to rounding, the same bits in any company.

The compiler may contract and reorder within a kernel, so compiled and eager agree to rounding, not
bit for bit; a member's compiled numbers depend neither on its place nor on the other members.
"""

import pytest
import torch

from worldsim.compiler import compiler_found
from worldsim.simulator.water import (
    Boundaries,
    Grid,
    IncomingWave,
    Open,
    ShallowWater,
    lake_at_rest,
)

FIELDS = ("depth", "momentum_x", "momentum_y")


def flood(order: list[int], compiled: bool):
    """Two beaches with a building that falls after 2 s."""
    bed = torch.linspace(-2.0, 0.6, 12, dtype=torch.float64).expand(2, 8, 12).clone()
    bed[1] += 0.1
    blocked = torch.zeros_like(bed, dtype=torch.bool)
    blocked[:, 2:4, 7:9] = True
    times = torch.linspace(0.0, 4.0, 21, dtype=torch.float64)
    elevation = torch.tensor([[0.8], [0.5]]) * torch.exp(-((times - 1.5) ** 2))
    sides = Boundaries(west=IncomingWave(times, elevation[order]), east=Open())
    solver = ShallowWater(Grid(12, 8, 1.0, 1.0), bed[order], sides, compiled=compiled)
    assert solver.backend == ("compiled" if compiled else "eager")
    state, budget = solver.advance(lake_at_rest(bed[order], blocked), blocked, 0.0, 2.0)
    return solver.advance(state, blocked & False, 2.0, 1.0)[0], budget


@pytest.mark.slow
@pytest.mark.skipif(not compiler_found(), reason="torch.compile needs a C++ compiler")
def test_compiled_water_agrees_with_eager_and_with_itself():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        both, budget = flood([0, 1], compiled=True)
        eager, other = flood([0, 1], compiled=False)
        turned, swapped = flood([1, 0], compiled=True)
    finally:
        torch.set_num_threads(threads)
    for name in FIELDS:
        a, b = getattr(both, name), getattr(eager, name)
        assert float((a - b).abs().max()) <= 1e-12 * float(b.abs().max())
        assert torch.equal(getattr(turned, name).flip(0), a)
    torch.testing.assert_close(budget.wall_east, other.wall_east, rtol=1e-11, atol=1e-9)
    assert float(budget.wall_east.max()) > 0.0
    assert torch.equal(swapped.impulse().flip(0), budget.impulse())
