"""Random grounds, walls, members and boundaries: positivity, closed books, mirror, permutation."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from worldsim.simulator.water import (
    SEAWATER_DENSITY,
    Boundaries,
    Boundary,
    Elevation,
    Flux,
    Grid,
    IncomingWave,
    Open,
    ShallowWater,
    Wall,
    WaterState,
    total,
)

MEMBERS, NY, NX = 3, 7, 9
AREA = 1.0 * 1.4
TIMES = torch.tensor([0.0, 0.4, 1.0])

pytestmark = pytest.mark.usefixtures("one_thread")


def side(kind: str, generator: torch.Generator) -> Boundary:
    rows = torch.rand((MEMBERS, 3), generator=generator, dtype=torch.float64)
    return {
        "wall": Wall(),
        "open": Open(0.8),
        "wave": IncomingWave(TIMES, rows, 2.2),
        "elevation": Elevation(TIMES, 1.0 + 2.0 * rows),
        "flux": Flux(TIMES, 6.0 * rows - 2.0),
    }[kind]


KIND = st.sampled_from(["wall", "open", "wave", "elevation", "flux"])


@st.composite
def worlds(draw):
    """Rough ground, a third of it dry, walls anywhere, water in violent motion, four sides."""
    generator = torch.Generator().manual_seed(draw(st.integers(0, 2**31)))

    def rand() -> torch.Tensor:
        return torch.rand((MEMBERS, NY, NX), generator=generator, dtype=torch.float64)

    bed = draw(st.floats(0.0, 2.0)) * rand()
    blocked = rand() < draw(st.floats(0.0, 0.3))
    depth = torch.where(blocked | (rand() < 0.3), 0.0, 3.0 * rand())
    speed = draw(st.floats(0.0, 6.0))
    state = WaterState(depth, depth * speed * (2 * rand() - 1), depth * speed * (2 * rand() - 1))
    sides = [side(kind, generator) for kind in draw(st.tuples(KIND, KIND, KIND, KIND))]
    return bed, blocked, state, sides


def flow(bed, blocked, state, sides, order=None):
    order = list(range(MEMBERS)) if order is None else order
    fields = [getattr(state, name)[order] for name in ("depth", "momentum_x", "momentum_y")]
    solver = ShallowWater(
        Grid(NX, NY, 1.0, 1.4), bed[order], Boundaries(*(in_order(s, order) for s in sides))
    )
    return solver.advance(WaterState(*fields), blocked[order], 0.0, 0.6)


def in_order(condition: Boundary, order: list[int]) -> Boundary:
    if isinstance(condition, Flux):
        return Flux(condition.times, condition.flux[order])
    if isinstance(condition, IncomingWave):
        return IncomingWave(condition.times, condition.elevation[order], condition.level)
    if isinstance(condition, Elevation):
        return Elevation(condition.times, condition.elevation[order])
    return condition


@settings(max_examples=12, deadline=None)
@given(world=worlds())
def test_depth_stays_positive_and_mass_and_momentum_are_accounted_for(world):
    _, blocked, before, _ = world
    state, budget = flow(*world)
    assert not bool(budget.diverged.any())
    assert float(state.depth.min()) >= 0.0
    assert not bool(state.depth[blocked].any())
    unexplained = AREA * total(state.depth - before.depth) - budget.volume_in
    scale = AREA * total(before.depth) + budget.boundary_volume.abs().sum(1) + 1e-3
    assert float((unexplained.abs() / scale).max()) < 1e-12
    terms = (
        budget.boundary_impulse.abs().sum(1)
        + budget.bed_impulse.abs()
        + budget.friction_impulse.abs()
        + budget.cleanup_impulse.abs()
        + budget.block_impulse.abs()
    )
    gain = torch.stack(
        (total(state.momentum_x - before.momentum_x), total(state.momentum_y - before.momentum_y)),
        1,
    )
    error = (SEAWATER_DENSITY * AREA * gain - budget.impulse()).abs()
    assert float((error / (terms + 1.0)).max()) < 1e-10


@settings(max_examples=8, deadline=None)
@given(world=worlds(), order=st.permutations(range(MEMBERS)))
def test_members_do_not_know_their_order(world, order):
    state, budget = flow(*world)
    other, turned = flow(*world, order)
    for name in ("depth", "momentum_x", "momentum_y"):
        assert torch.equal(getattr(other, name), getattr(state, name)[order])
    for name, value in vars(budget).items():
        if isinstance(value, torch.Tensor):
            assert torch.equal(getattr(turned, name), value[order]), name


@settings(max_examples=8, deadline=None)
@given(world=worlds(), axis=st.sampled_from([1, 2]))
def test_a_mirrored_world_is_mirrored_bit_for_bit(world, axis):
    bed, blocked, before, (west, east, south, north) = world
    state, budget = flow(*world)
    sign = (1.0, -1.0)
    flip_x, flip_y = sign[axis == 2], sign[axis == 1]
    mirrored = WaterState(
        before.depth.flip(axis),
        flip_x * before.momentum_x.flip(axis),
        flip_y * before.momentum_y.flip(axis),
    )
    sides = [west, east, north, south] if axis == 1 else [east, west, south, north]
    other, turned = flow(bed.flip(axis), blocked.flip(axis), mirrored, sides)
    assert torch.equal(other.depth.flip(axis), state.depth)
    assert torch.equal(flip_x * other.momentum_x.flip(axis), state.momentum_x)
    assert torch.equal(flip_y * other.momentum_y.flip(axis), state.momentum_y)
    swapped = [0, 1, 3, 2] if axis == 1 else [1, 0, 2, 3]
    torch.testing.assert_close(
        turned.boundary_volume[:, swapped], budget.boundary_volume, rtol=1e-11, atol=1e-12
    )
