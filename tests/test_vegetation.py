"""Stems in the water: closed forms, closed books, and not a bit changed where none stand."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from worldsim.errors import InputError
from worldsim.simulator.water import (
    GRAVITY,
    SEAWATER_DENSITY,
    Boundaries,
    Grid,
    Open,
    ShallowWater,
    WaterState,
    total,
)

FIELDS = ("depth", "momentum_x", "momentum_y")

pytestmark = pytest.mark.usefixtures("one_thread")


def slope_flow(drag: float, height: float, manning: float, seconds: float) -> float:
    """Speed [m/s] in the middle of a long even slope of 5 % with water 1 m deep, from rest."""
    n, dx, fall = 360, 0.25, 0.05
    x = (torch.arange(n, dtype=torch.float64) + 0.5) * dx
    bed = (-fall * x).reshape(1, 1, n).contiguous()
    solver = ShallowWater(Grid(n, 1, dx, 1e3), bed, manning=manning)
    ones = torch.ones_like(bed)
    if drag > 0.0:
        solver.set_vegetation(drag * ones, height * ones)
    state, _ = solver.advance(WaterState(ones, 0 * ones, 0 * ones), ones < 0, 0.0, seconds)
    # what comes from the ends has hardly reached the middle
    assert float(state.depth[0, 0, n // 2]) == pytest.approx(1.0, rel=1e-3)
    return float(state.momentum_x[0, 0, n // 2])


@pytest.mark.parametrize(
    ("drag", "height", "manning"),
    [(0.2, 5.0, 0.0), (0.4, 0.5, 0.0), (0.3, 0.25, 0.05), (1.5, 2.0, 0.03)],
)
def test_flow_down_a_slope_reaches_the_speed_that_the_stems_allow(drag, height, manning):
    """g S = k u^2 with k = a min(1, H/h) + g n^2 / h^(4/3); u = u_end tanh(sqrt(g S k) t)."""
    k = drag * min(1.0, height) + GRAVITY * manning**2
    push = GRAVITY * 0.05
    for seconds in (1.0, 9.0):
        exact = math.sqrt(push / k) * math.tanh(math.sqrt(push * k) * seconds)
        assert slope_flow(drag, height, manning, seconds) == pytest.approx(exact, rel=0.015)


def current(speed: tuple[float, float], drag: float, height: float, seconds: float):
    """A wide even current that hardly knows gravity, among stems."""
    ones = torch.ones((1, 12, 12), dtype=torch.float64)
    sides = Boundaries(*[Open(2.0)] * 4)
    solver = ShallowWater(Grid(12, 12, 5.0, 5.0), 0 * ones, sides, gravity=1e-4, manning=0.0)
    solver.set_vegetation(drag * ones, height * ones)
    state = WaterState(2.0 * ones, 2.0 * speed[0] * ones, 2.0 * speed[1] * ones)
    return solver.advance(state, ones < 0, 0.0, seconds)


@settings(max_examples=10, deadline=None)
@given(
    drag=st.floats(0.001, 5.0),
    height=st.floats(0.05, 6.0),
    angle=st.floats(0.0, 6.2),
    seconds=st.floats(0.5, 4.0),
)
def test_a_current_among_stems_dies_as_its_closed_form(drag, height, angle, seconds):
    """u = u_0 / (1 + k u_0 t) along its own direction."""
    u, v = 1.5 * math.cos(angle), 1.5 * math.sin(angle)
    state, _ = current((u, v), drag, height, seconds)
    k = drag * min(1.0, height / 2.0)
    left = 1.0 / (1.0 + k * 1.5 * seconds)
    # What little gravity there is moves it by some 1e-8.
    assert float(state.momentum_x[0, 6, 6]) == pytest.approx(2.0 * u * left, rel=1e-6, abs=1e-6)
    assert float(state.momentum_y[0, 6, 6]) == pytest.approx(2.0 * v * left, rel=1e-6, abs=1e-6)


def flood(seed: int, members: list[int], plants: str, seconds: float = 0.8):
    """Three rough, half dry grounds with walls, the second of them grown over."""
    generator = torch.Generator().manual_seed(seed)

    def rand() -> torch.Tensor:
        return torch.rand((3, 8, 9), generator=generator, dtype=torch.float64)

    bed, blocked = rand(), rand() < 0.15
    depth = torch.where(blocked | (rand() < 0.3), 0.0, 2.0 * rand())
    state = WaterState(depth, depth * (6 * rand() - 3), depth * (6 * rand() - 3))
    drag, height = 2.0 * rand(), rand()
    drag[0], drag[2] = 0.0, 0.0
    solver = ShallowWater(
        Grid(9, 8, 1.0, 1.3), bed[members], Boundaries(east=Open(0.5)), manning=0.03
    )
    if plants == "cleared":
        solver.set_vegetation(drag[members], height[members])
        solver.set_vegetation(None)
    elif plants != "none":
        solver.set_vegetation(drag[members], height[members])
    given_ = WaterState(*(getattr(state, name)[members] for name in FIELDS))
    return given_, *solver.advance(given_, blocked[members], 0.0, seconds)


@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 2**31))
def test_only_the_member_with_stems_changes_and_company_does_not_matter(seed):
    _, bare, books = flood(seed, [0, 1, 2], "none")
    _, grown, _ = flood(seed, [0, 1, 2], "some")
    _, cleared, again = flood(seed, [0, 1, 2], "cleared")
    _, alone, _ = flood(seed, [1], "some")
    for name in FIELDS:
        assert torch.equal(getattr(cleared, name), getattr(bare, name))
        assert torch.equal(getattr(grown, name)[[0, 2]], getattr(bare, name)[[0, 2]])
        assert torch.equal(getattr(grown, name)[1], getattr(alone, name)[0])
    assert torch.equal(books.friction_impulse, again.friction_impulse)
    assert not torch.equal(grown.momentum_x[1], bare.momentum_x[1])


@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 2**31))
def test_what_the_stems_take_is_booked_as_friction(seed):
    before, after, budget = flood(seed, [0, 1, 2], "some")
    gain = torch.stack(
        [total(getattr(after, n) - getattr(before, n)) for n in ("momentum_x", "momentum_y")], 1
    )
    terms = (
        budget.boundary_impulse.abs().sum(1)
        + budget.bed_impulse.abs()
        + budget.friction_impulse.abs()
        + budget.block_impulse.abs()
    )
    error = (SEAWATER_DENSITY * 1.3 * gain - budget.impulse()).abs()
    assert float((error / (terms + 1.0)).max()) < 1e-10


def test_stems_in_still_and_in_thin_water_do_no_harm():
    depth = torch.tensor([[[1.0, 1e-5, 0.0, 1e-9]]], dtype=torch.float64)
    bed = 1.0 - depth
    solver = ShallowWater(Grid(4, 1, 1.0, 1.0), bed)
    solver.set_vegetation(1e6 + 0 * bed, 2.0 + 0 * bed)
    state, budget = solver.advance(WaterState(depth, 0 * bed, 0 * bed), bed < 0, 0.0, 5.0)
    assert not bool(budget.diverged.any()) and float(state.momentum_x.abs().max()) < 1e-12
    assert float(total(state.depth) - total(depth)) == pytest.approx(0.0, abs=1e-15)


def test_stems_that_break_let_the_water_go():
    ones = torch.ones((1, 4, 40), dtype=torch.float64)
    bed = -0.02 * torch.arange(40, dtype=torch.float64).expand_as(ones).contiguous()
    solver = ShallowWater(Grid(40, 4, 1.0, 1.0), bed, manning=0.0)
    solver.set_vegetation(0.5 * ones, 3.0 * ones)
    start = WaterState(ones, 0 * ones, 0 * ones)
    held, _ = solver.advance(start, ones < 0, 0.0, 1.0)
    solver.set_vegetation(0.0 * ones, 3.0 * ones)
    free, budget = solver.advance(held, ones < 0, 1.0, 1.0)
    assert not bool(budget.friction_impulse.any())
    assert float(free.momentum_x[0, 2, 20]) > float(held.momentum_x[0, 2, 20])


def test_unusable_stems_are_named():
    ones = torch.ones((1, 4, 5), dtype=torch.float64)
    solver = ShallowWater(Grid(5, 4, 1.0, 1.0), ones)
    for drag, height, says in (
        (ones, None, "both"),
        (-ones, ones, "drag"),
        (ones, ones * math.nan, "height"),
        (ones[:, 1:], ones, "drag has shape"),
    ):
        with pytest.raises(InputError, match=says):
            solver.set_vegetation(drag, height)
