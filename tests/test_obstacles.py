"""Obstacles that come, go and move: walls change, volume and momentum do not."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from worldsim.errors import InputError
from worldsim.simulator.obstacles import rearrange
from worldsim.simulator.water import Grid, ShallowWater, WaterState
from worldsim.simulator.water.wall import wall_depth

FIELDS = ("depth", "momentum_x", "momentum_y")


def random_water(seed: int, batch: int = 2, ny: int = 7, nx: int = 9):
    rng = torch.Generator().manual_seed(seed)
    before = torch.rand((batch, ny, nx), generator=rng) < 0.3
    after = torch.rand((batch, ny, nx), generator=rng) < 0.3
    fields = torch.randn((3, batch, ny, nx), generator=rng, dtype=torch.float64)
    fields[0] = fields[0].abs()
    return WaterState(*torch.where(before, 0.0, fields)), before, after


@settings(deadline=None, max_examples=30)
@given(seed=st.integers(0, 2**31))
def test_any_rearrangement_conserves_volume_and_momentum(seed):
    state, before, after = random_water(seed)
    new = rearrange(state, before, after)
    for name in FIELDS:
        old_sum = getattr(state, name).sum((1, 2))
        torch.testing.assert_close(getattr(new, name).sum((1, 2)), old_sum, rtol=1e-13, atol=1e-13)
        assert bool((getattr(new, name)[after] == 0).all()), "walls hold no water"
    assert bool((new.depth >= 0).all())
    opened = before & ~after
    untouched = ~before & ~after & (new.depth == state.depth)
    assert bool((new.depth[opened] >= 0).all())
    assert torch.equal(new.momentum_x[untouched], state.momentum_x[untouched])


def test_water_of_a_closing_cell_goes_next_door_with_its_momentum():
    depth = torch.zeros((1, 1, 4), dtype=torch.float64)
    depth[0, 0] = torch.tensor([1.0, 2.0, 3.0, 4.0])
    state = WaterState(depth, 0.5 * depth, -depth)
    nothing = torch.zeros((1, 1, 4), dtype=torch.bool)
    wall = nothing.clone()
    wall[0, 0, 0] = True
    new = rearrange(state, nothing, wall)
    assert new.depth[0, 0].tolist() == [0.0, 3.0, 3.0, 4.0]
    assert new.momentum_x[0, 0].tolist() == [0.0, 1.5, 1.5, 2.0]
    assert new.momentum_y[0, 0].tolist() == [0.0, -3.0, -3.0, -4.0]
    assert torch.equal(rearrange(new, wall, nothing).depth, new.depth), "opened ground is dry"


def test_no_room_left_and_misfits_are_named():
    state, before, after = random_water(0)
    with pytest.raises(InputError, match="no open cell"):
        rearrange(state, before, torch.ones_like(before))
    with pytest.raises(InputError, match="do not fit"):
        rearrange(state, before[:1], after)


def test_a_moving_wall_drives_the_bore_of_a_piston():
    """A wall that advances at U into still water of depth h raises it to the h* of a wall that
    water meets at U (Galilei), behind a bore; the volume stays."""
    cells, size, h, speed = 400, 0.05, 1.0, 1.0
    gravity = 9.80665
    solver = ShallowWater(
        Grid(cells, 1, size, size),
        torch.zeros((1, 1, cells), dtype=torch.float64),
        manning=0.0,
        gravity=gravity,
    )
    blocked = torch.zeros((1, 1, cells), dtype=torch.bool)
    depth = torch.full((1, 1, cells), h, dtype=torch.float64)
    state = WaterState(depth, torch.zeros_like(depth), torch.zeros_like(depth))
    per_cell = size / speed
    for step in range(60):
        wanted = torch.arange(cells).reshape(1, 1, -1) <= step
        state, blocked = rearrange(state, blocked, wanted), wanted
        state, _ = solver.advance(state, blocked, step * per_cell, per_cell)
    assert float(state.depth.sum()) == pytest.approx(h * cells, rel=1e-13)
    raised = wall_depth(torch.tensor([h]), torch.tensor([speed]), gravity).item()
    front = speed * raised / (raised - h) * 60 * per_cell  # of the bore, by continuity
    behind = state.depth[0, 0, 65 : math.floor(0.9 * front / size)]
    assert behind.mean().item() == pytest.approx(raised, rel=0.01)
    ahead = state.depth[0, 0, math.ceil(1.1 * front / size) :]
    assert (ahead - h).abs().max().item() < 1e-3
