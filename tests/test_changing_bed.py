"""A bed that changes in mid-run: volume and momentum stay, and the water finds its new level."""

import pytest
import torch

from worldsim.errors import InputError
from worldsim.simulator.water import (
    SEAWATER_DENSITY,
    Boundaries,
    Elevation,
    Grid,
    ShallowWater,
    WaterState,
    lake_at_rest,
    total,
)

GRID = Grid(30, 6, 1.0, 1.0)

pytestmark = pytest.mark.usefixtures("one_thread")


def beds(batch: int = 2) -> tuple[torch.Tensor, torch.Tensor]:
    """A basin with a seawall across it, and without."""
    flat = torch.full((batch, 6, 30), -2.0, dtype=torch.float64)
    wall = flat.clone()
    wall[:, :, 15] = 1.0
    return wall, flat


def behind_the_wall(bed: torch.Tensor) -> WaterState:
    left = torch.arange(30).expand_as(bed) < 15
    depth = torch.where(left, (0.5 - bed).clamp(min=0.0), 0.0)
    return WaterState(depth, 0 * bed, 0 * bed)


def test_a_seawall_that_falls_lets_the_water_through_with_closed_books():
    wall, flat = beds()
    solver = ShallowWater(GRID, wall, manning=0.02)
    free = torch.zeros_like(wall, dtype=torch.bool)
    start = behind_the_wall(wall)
    held, _ = solver.advance(start, free, 0.0, 1.0)
    torch.testing.assert_close(held.depth, start.depth, rtol=0, atol=1e-13)
    assert not bool(held.depth[:, :, 15:].any())
    fallen = torch.stack((flat[0], wall[1]))
    solver.set_bathymetry(fallen)
    assert torch.equal(solver.bathymetry, fallen)
    after, budget = solver.advance(held, free, 1.0, 2.0)
    assert float(after.depth[0, :, 20].min()) > 0.1
    assert not bool(after.depth[1, :, 15:].any())
    torch.testing.assert_close(total(after.depth), total(start.depth), rtol=1e-14, atol=0)
    gain = SEAWATER_DENSITY * (total(after.momentum_x) - total(held.momentum_x))
    torch.testing.assert_close(gain, budget.impulse()[:, 0], rtol=1e-9, atol=1e-6)


def test_after_the_change_the_water_is_that_of_a_solver_made_anew():
    wall, flat = beds()
    free = torch.zeros_like(wall, dtype=torch.bool)
    free[:, 2:4, 8] = True
    start = behind_the_wall(wall)
    start = WaterState(start.depth.masked_fill(free, 0.0), start.momentum_x, start.momentum_y)
    changed = ShallowWater(GRID, wall)
    changed.advance(start, free, 0.0, 0.2)
    changed.set_bathymetry(flat)
    ours, _ = changed.advance(start, free, 0.0, 1.0)
    fresh, _ = ShallowWater(GRID, flat).advance(start, free, 0.0, 1.0)
    for name in ("depth", "momentum_x", "momentum_y"):
        assert torch.equal(getattr(ours, name), getattr(fresh, name))


def test_a_raised_bed_lifts_the_water_on_it_and_keeps_its_stems():
    _, flat = beds(1)
    solver = ShallowWater(GRID, flat, manning=0.0)
    solver.set_vegetation(0.5 + 0 * flat, 3.0 + 0 * flat)
    raised = flat.clone()
    raised[:, :, :10] = -1.5
    solver.set_bathymetry(raised)
    free = torch.zeros_like(flat, dtype=torch.bool)
    state, budget = solver.advance(lake_at_rest(flat, free), free, 0.0, 0.5)
    assert float(state.momentum_x.max()) > 0.1
    assert float(budget.friction_impulse[0, 0]) < 0.0
    still, _ = solver.advance(state, free, 0.5, 30.0)
    surface = still.depth + raised
    mean = float(total(still.depth) + total(raised)) / 180
    assert float((surface - mean).abs().max()) < 0.05


def test_an_unusable_bed_is_named():
    wall, _ = beds()
    solver = ShallowWater(GRID, wall)
    for bed, says in (
        (wall[:1], "like the one"),
        (wall.float(), "like the one"),
        (wall * float("nan"), "NaN"),
        (wall[:, 1:], "does not fit"),
    ):
        with pytest.raises(InputError, match=says):
            solver.set_bathymetry(bed)
    level = Elevation(torch.tensor([0.0, 1.0]), torch.tensor([0.0, 0.0]))
    driven = ShallowWater(GRID, wall, Boundaries(west=level))
    with pytest.raises(InputError, match="drain"):
        driven.set_bathymetry(wall + 3.0)
