"""Shallow water: conservation, invariance, symmetry and bad input."""

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
    Elevation,
    Flux,
    Grid,
    IncomingWave,
    Open,
    ShallowWater,
    WaterState,
    energy,
    lake_at_rest,
    open_cells,
    total,
)
from worldsim.simulator.water import members as water_members

FIELDS = ("depth", "momentum_x", "momentum_y")

pytestmark = pytest.mark.usefixtures("one_thread")


def street(batch: int, seed: int = 0, ny: int = 16, nx: int = 24):
    """A rough beach with two buildings, a wave from the west and land in the east."""
    rng = torch.Generator().manual_seed(seed)
    grid = Grid(nx, ny, 2.0, 2.0)
    x = (torch.arange(nx, dtype=torch.float64) + 0.5) * 2.0
    bed = (-3.0 + 0.12 * (x - 10.0).clamp(min=0.0)).expand(batch, ny, nx).clone()
    bed[:, :, 2:] += 0.2 * torch.rand((batch, ny, nx - 2), generator=rng, dtype=torch.float64)
    blocked = torch.zeros((batch, ny, nx), dtype=torch.bool)
    blocked[:, 3:7, 14:17] = True
    blocked[:, 9:13, 15:18] = True
    times = torch.linspace(0.0, 10.0, 41, dtype=torch.float64)
    height = 1.6 + 0.3 * torch.arange(batch, dtype=torch.float64)
    elevation = height[:, None] * torch.exp(-(((times - 3.0) / 1.2) ** 2))
    return grid, bed, blocked, Boundaries(west=IncomingWave(times, elevation), east=Open())


def run(solver, blocked, seconds=4.0, pieces=4, level=0.0):
    state = lake_at_rest(solver.bathymetry, blocked, level)
    budgets = []
    for k in range(pieces):
        length = seconds / pieces
        state, budget = solver.advance(state, blocked, k * length, length)
        budgets.append(budget)
    return state, budgets


def same(a: WaterState, b: WaterState) -> bool:
    return all(torch.equal(getattr(a, f), getattr(b, f)) for f in FIELDS)


@settings(max_examples=6, deadline=None)
@given(seed=st.integers(0, 2**31), level=st.floats(-0.3, 0.6))
def test_lake_at_rest_with_island_and_buildings_stays_at_rest(seed, level):
    rng = torch.Generator().manual_seed(seed)
    bed = -1.0 + 1.8 * torch.rand((2, 10, 12), generator=rng, dtype=torch.float64)
    blocked = torch.rand((2, 10, 12), generator=rng) < 0.15
    sides = Boundaries(west=Open(level), north=Open(level))
    solver = ShallowWater(Grid(12, 10, 1.0, 0.7), bed, sides)
    state, _ = run(solver, blocked, 3.0, 1, level)
    h = float(lake_at_rest(bed, blocked, level).depth.max())
    fastest = max(float(w.abs().max()) for w in state.velocity())
    assert h > 0.3 and fastest / math.sqrt(GRAVITY * h) < 1e-12


@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 2**31))
def test_closed_basin_keeps_its_water_and_its_accounts(seed):
    """Random ground, buildings and a violent random start, partly dry."""
    rng = torch.Generator().manual_seed(seed)

    def rand():
        return torch.rand((2, 9, 11), generator=rng, dtype=torch.float64)

    bed, blocked = 2.0 * rand(), rand() < 0.2
    depth = torch.where(blocked | (rand() < 0.4), 0.0, 3.0 * rand())
    state = WaterState(depth, depth * (8 * rand() - 4), depth * (8 * rand() - 4))
    solver = ShallowWater(Grid(11, 9, 1.0, 1.5), bed)
    volume = total(depth)
    for k in range(4):
        before = state
        state, budget = solver.advance(state, blocked, 0.4 * k, 0.4)
        assert float(state.depth.min()) >= 0.0
        assert not bool(state.depth[blocked].any())
        assert_closed(before, state, budget, 1.5)
    assert float(((total(state.depth) - volume) / volume).abs().max()) < 1e-13


def assert_closed(before, after, budget, area):
    gain = SEAWATER_DENSITY * area
    for axis, name in enumerate(("momentum_x", "momentum_y")):
        change = gain * total(getattr(after, name) - getattr(before, name))
        terms = torch.cat(
            (
                budget.boundary_impulse[:, :, axis],
                budget.bed_impulse[:, axis, None],
                budget.friction_impulse[:, axis, None],
                budget.cleanup_impulse[:, axis, None],
                budget.block_impulse[:, axis, None],
            ),
            1,
        )
        error = (change - budget.impulse()[:, axis]).abs() / (terms.abs().sum(1) + 1e-6)
        assert float(error.max()) < 1e-11


def test_open_street_closes_mass_and_momentum_and_loads_its_buildings():
    grid, bed, blocked, sides = street(3)
    solver = ShallowWater(grid, bed, sides)
    state = lake_at_rest(bed, blocked)
    entered = torch.zeros(3, dtype=torch.float64)
    start = total(state.depth) * 4.0
    for k in range(8):
        before = state
        state, budget = solver.advance(state, blocked, float(k), 1.0)
        assert_closed(before, state, budget, 4.0)
        entered += budget.volume_in
        push = torch.stack(
            (
                total(budget.wall_west) - total(budget.wall_east),
                total(budget.wall_south) - total(budget.wall_north),
            ),
            1,
        )
        torch.testing.assert_close(budget.block_impulse, push, rtol=1e-12, atol=1e-9)
    now = total(state.depth) * 4.0
    assert float(((now - start - entered) / start).abs().max()) < 1e-13
    assert float(entered.abs().min()) > 1.0
    # the sea side of a building is east of its water
    assert float(budget.wall_east[:, 3:7, 13].min()) > 0.0
    assert float(budget.star_east[:, 3:7, 13].min()) > 0.0
    elsewhere = budget.wall_east.clone()
    elsewhere[:, 3:7, 13] = 0.0
    elsewhere[:, 9:13, 14] = 0.0
    assert not bool(elsewhere.any())


def test_still_water_presses_hydrostatically_on_a_building():
    bed = torch.full((1, 5, 5), -2.0, dtype=torch.float64)
    blocked = torch.zeros((1, 5, 5), dtype=torch.bool)
    blocked[0, 2, 2] = True
    solver = ShallowWater(Grid(5, 5, 2.0, 3.0), bed)
    _, budget = solver.advance(lake_at_rest(bed, blocked), blocked, 0.0, 0.5)
    pressure = 0.5 * SEAWATER_DENSITY * GRAVITY * 4.0 * 0.5
    assert float(budget.wall_east[0, 2, 1]) == pytest.approx(pressure * 3.0, rel=1e-13)
    assert float(budget.wall_west[0, 2, 3]) == pytest.approx(pressure * 3.0, rel=1e-13)
    assert float(budget.wall_north[0, 1, 2]) == pytest.approx(pressure * 2.0, rel=1e-13)
    assert float(budget.wall_south[0, 3, 2]) == pytest.approx(pressure * 2.0, rel=1e-13)
    assert float(budget.star_north[0, 1, 2]) == pytest.approx(2.0, rel=1e-13)
    # each domain side holds its water: half rho g h^2 over 5 cells
    assert float(budget.boundary_impulse[0, 0, 0]) == pytest.approx(pressure * 15.0, rel=1e-13)
    assert float(budget.boundary_impulse[0, 3, 1]) == pytest.approx(-pressure * 10.0, rel=1e-13)


def test_mirrored_in_y_is_mirrored_exactly():
    grid, bed, blocked, sides = street(1)
    state, _ = run(ShallowWater(grid, bed, sides), blocked, 6.0)
    mirror, _ = run(ShallowWater(grid, bed.flip(1), sides), blocked.flip(1), 6.0)
    assert float(state.momentum_y.abs().max()) > 0.1
    assert torch.equal(mirror.depth.flip(1), state.depth)
    assert torch.equal(mirror.momentum_x.flip(1), state.momentum_x)
    assert torch.equal(-mirror.momentum_y.flip(1), state.momentum_y)


def test_x_and_y_are_treated_alike():
    grid, bed, blocked, _ = street(1)
    start = lake_at_rest(bed, blocked, 1.0)
    state, _ = ShallowWater(grid, bed).advance(
        WaterState(start.depth, start.depth, 0.3 * start.depth), blocked, 0.0, 3.0
    )
    swapped = Grid(grid.ny, grid.nx, grid.dy, grid.dx)
    depth = start.depth.mT.contiguous()
    turned, _ = ShallowWater(swapped, bed.mT.contiguous()).advance(
        WaterState(depth, 0.3 * depth, depth), blocked.mT.contiguous(), 0.0, 3.0
    )
    torch.testing.assert_close(turned.depth.mT, state.depth, rtol=1e-10, atol=1e-12)
    torch.testing.assert_close(turned.momentum_y.mT, state.momentum_x, rtol=1e-10, atol=1e-11)


def rows(budget, member):
    return {k: v[member] for k, v in vars(budget).items() if k != "divergences"}


def test_member_alone_or_anywhere_in_a_batch_is_bit_identical(monkeypatch):
    grid, bed, blocked, sides = street(5)
    wave = sides.west
    for together in (1 << 14, 2 * 16 * 24):  # all five in one group; groups of two
        monkeypatch.setattr(water_members, "CELLS_TOGETHER", together)
        order = torch.tensor([3, 0, 4, 1, 2])
        mixed = Boundaries(IncomingWave(wave.times, wave.elevation[order]), Open())
        state, budgets = run(ShallowWater(grid, bed[order], mixed), blocked, 3.0, 2)
        steps = sum(b.steps for b in budgets)
        assert len(set(steps.tolist())) > 1, "members must take steps of their own"
        for place, m in enumerate(order.tolist()):
            one = slice(m, m + 1)
            lone = Boundaries(IncomingWave(wave.times, wave.elevation[one]), Open())
            alone, parts = run(ShallowWater(grid, bed[one], lone), blocked[one], 3.0, 2)
            assert same(alone, state.members(slice(place, place + 1)))
            for a, b in zip(parts, budgets, strict=True):
                mine, theirs = rows(a, 0), rows(b, place)
                assert all(torch.equal(mine[k], theirs[k]) for k in mine)


def test_one_or_two_threads_give_the_same_bits():
    # above torch's grain of 32768 elements, so that work really is split
    grid, bed, blocked, sides = street(1, ny=90, nx=400)
    bed = -3.0 + (bed + 3.0) * 0.1
    results = []
    for threads in (1, 2):
        torch.set_num_threads(threads)
        results.append(run(ShallowWater(grid, bed, sides), blocked, 0.1, 1))
    assert same(results[0][0], results[1][0])
    one, two = rows(results[0][1][0], 0), rows(results[1][1][0], 0)
    assert all(torch.equal(one[k], two[k]) for k in one)


def test_a_zero_step_changes_nothing():
    grid, bed, blocked, sides = street(2)
    solver = ShallowWater(grid, bed, sides)
    state, _ = run(solver, blocked)
    state = WaterState(state.depth, state.momentum_x + 0.1 * (state.depth < 1e-5), state.momentum_y)
    state = WaterState(*(torch.where(blocked, 0.0, getattr(state, f)) for f in FIELDS))
    time = torch.full((2,), 4.0, dtype=torch.float64)
    new, budget = solver.step(state, blocked, time, torch.tensor([0.0, 0.01], dtype=torch.float64))
    assert same(new.members(slice(0, 1)), state.members(slice(0, 1)))
    assert not torch.equal(new.depth[1], state.depth[1])
    assert not bool(budget.impulse()[0].any()) and bool(budget.impulse()[1].any())
    assert budget.steps.tolist() == [0, 1]


def test_steps_stay_within_courant_and_fill_the_interval():
    grid, bed, blocked, sides = street(3)
    solver = ShallowWater(grid, bed, sides)
    state, budgets = run(solver, blocked, 6.0, 24)
    assert all(bool((b.duration == 0.25).all()) for b in budgets)
    u, v = state.velocity()
    c = torch.sqrt(GRAVITY * state.depth)
    fastest = torch.maximum(u.abs() + c, v.abs() + c).amax((1, 2))
    now = torch.full((3,), 6.0, dtype=torch.float64)
    assert bool((solver.stable_step(state, blocked, now, now) <= 0.45 * 2.0 / fastest).all())
    # a wave to come shortens the step before it is there
    calm = lake_at_rest(bed, blocked)
    early = solver.stable_step(calm, blocked, 0 * now, 0 * now)
    assert bool((solver.stable_step(calm, blocked, 0 * now, 0 * now + 3.0) < early).all())


def test_opened_cells_are_dry_ground_that_floods():
    grid, bed, blocked, _ = street(1)
    solver = ShallowWater(grid, bed)
    state = lake_at_rest(bed, blocked, 1.5)
    cells = torch.zeros_like(blocked)
    cells[:, 3:7, 14:17] = True
    opened, free = open_cells(state, blocked, cells)
    assert same(opened, state) and int(free.sum()) == int(blocked.sum()) - 12
    later, _ = solver.advance(opened, free, 0.0, 2.0)
    assert float(later.depth[cells].min()) > 0.1
    assert float((total(later.depth) - total(state.depth)).abs()) < 1e-12 * float(
        total(state.depth)
    )
    with pytest.raises(InputError, match="not blocked"):
        open_cells(later, free, cells)


def test_friction_slows_a_uniform_stream_as_manning_says():
    """u' = -g n^2 u^2 / h^(4/3) has the solution u0 / (1 + k u0 t)."""
    bed = torch.zeros((1, 1, 4), dtype=torch.float64)
    depth = torch.full_like(bed, 0.8)
    blocked = torch.zeros_like(bed, dtype=torch.bool)
    solver = ShallowWater(Grid(4, 1, 1e5, 1e5), bed, Boundaries(Open(), Open()), manning=0.03)
    state = WaterState(depth, 2.0 * depth, 0.0 * depth)
    moved, budget = state, None
    dt = torch.tensor([0.1], dtype=torch.float64)
    for k in range(100):
        moved, budget = solver.step(moved, blocked, 0.1 * k * torch.ones(1).double(), dt)
    k = GRAVITY * 0.03**2 / 0.8 ** (4 / 3)
    u = float(moved.velocity()[0][0, 0, 1])
    assert u == pytest.approx(2.0 / (1.0 + 2.0 * k * 10.0), rel=2e-3)
    assert float(budget.friction_impulse[0, 0]) < 0.0


def good():
    grid, bed, blocked, sides = street(1)
    return dict(grid=grid, bathymetry=bed, boundaries=sides), blocked


def spoil(tensor, value):
    spoiled = tensor.clone()
    spoiled[0, 5, 5] = value
    return spoiled


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda g: dict(bathymetry=spoil(g["bathymetry"], math.nan)), "NaN"),
        (lambda g: dict(bathymetry=g["bathymetry"][:, :-1]), "shape"),
        (lambda g: dict(bathymetry=g["bathymetry"].half()), "float64"),
        (lambda g: dict(gravity=0.0), "gravity"),
        (lambda g: dict(manning=-0.1), "manning"),
        (lambda g: dict(manning=torch.ones(7)), "broadcast"),
        (lambda g: dict(bathymetry=g["bathymetry"] + 5.0), "west"),
        (
            lambda g: dict(
                boundaries=Boundaries(
                    west=IncomingWave(
                        g["boundaries"].west.times, g["boundaries"].west.elevation - 4.0
                    )
                )
            ),
            "trough",
        ),
        (
            lambda g: dict(
                boundaries=Boundaries(
                    west=IncomingWave(
                        g["boundaries"].west.times, g["boundaries"].west.elevation.repeat(2, 1)
                    )
                )
            ),
            "rows of elevation",
        ),
    ],
)
def test_unusable_ground_is_refused(change, says):
    arguments, _ = good()
    with pytest.raises(InputError, match=says):
        ShallowWater(**(arguments | change(arguments)))


@pytest.mark.parametrize(
    ("times", "elevation", "says"),
    [
        ([0.0, 2.0, 1.0], [[0.0, 0.0, 0.0]], "increase"),
        ([0.0, 1.0], [[0.0, 0.0, 0.0]], "one value per time"),
        ([0.0, 1.0], [[0.0, math.inf]], "finite"),
        ([0.0], [[0.0]], "shapes"),
    ],
)
def test_unusable_wave_is_refused(times, elevation, says):
    with pytest.raises(InputError, match=says):
        IncomingWave(torch.tensor(times), torch.tensor(elevation))


def test_unusable_grid_and_state_are_refused():
    for size in (0.0, -1.0, math.nan):
        with pytest.raises(InputError, match="dx"):
            Grid(3, 3, size, 1.0)
    arguments, blocked = good()
    solver = ShallowWater(**arguments)
    state = lake_at_rest(solver.bathymetry, blocked)
    everywhere = lake_at_rest(solver.bathymetry, torch.zeros_like(blocked), 2.0)
    cases = (
        (everywhere, blocked, "blocked cell holds water"),
        (WaterState(spoil(state.depth, -1.0), state.momentum_x, state.momentum_y), blocked, "nega"),
        (WaterState(spoil(state.depth, math.nan), state.momentum_x, state.depth), blocked, "NaN"),
        (WaterState(state.depth[:, 1:], state.momentum_x, state.momentum_y), blocked, "depth is"),
        (state, blocked[:, 1:], "blocked is"),
    )
    for water, walls, says in cases:
        with pytest.raises(InputError, match=says):
            solver.advance(water, walls, 0.0, 1.0)
    with pytest.raises(InputError, match="duration"):
        solver.advance(state, blocked, 0.0, 0.0)


def explosive(member: int, batch: int = 3):
    """A street whose `member` has momentum near the largest float: it passes the input check and
    overflows inside the step."""
    grid, bed, blocked, sides = street(batch)
    state = lake_at_rest(bed, blocked)
    momentum = state.momentum_x.clone()
    momentum[member, 5, 3] = 1e250
    return (
        ShallowWater(grid, bed, sides),
        WaterState(state.depth, momentum, state.momentum_y),
        blocked,
    )


@pytest.mark.parametrize("together", [1 << 14, 2 * 16 * 24])
def test_a_diverging_member_stops_and_the_others_do_not_notice(monkeypatch, together):
    monkeypatch.setattr(water_members, "CELLS_TOGETHER", together)
    solver, state, blocked = explosive(1)
    calm, _, _ = explosive(1)
    at_rest = lake_at_rest(solver.bathymetry, blocked)
    for k in range(3):
        before = state
        state, budget = solver.advance(state, blocked, 1.0 + k, 1.0)
        at_rest, other = calm.advance(at_rest, blocked, 1.0 + k, 1.0)
        assert budget.diverged.tolist() == [False, True, False]
        (found,) = budget.divergences
        assert found.member == 1 and found.time >= 1.0 + k and "member 1" in str(found)
        row, column = found.cell  # two stages reach six cells
        assert abs(row - 5) <= 6 and abs(column - 3) <= 6
        for name in FIELDS:
            assert bool(torch.isfinite(getattr(state, name)).all())
        assert same(state.members(slice(1, 2)), before.members(slice(1, 2)))
        assert float(budget.duration[1]) < 1.0 and float(budget.duration[0]) == 1.0
        for m in (0, 2):
            one = slice(m, m + 1)
            assert same(state.members(one), at_rest.members(one))
            mine, theirs = rows(budget, m), rows(other, m)
            assert all(torch.equal(mine[n], theirs[n]) for n in mine)
    assert not bool(other.diverged.any()) and other.divergences == ()


def test_a_member_that_diverges_midway_keeps_its_last_good_state_and_closed_accounts(monkeypatch):
    """From the tenth sub-step on, one member's bed is poisoned in the kernels' sight."""
    grid, bed, blocked, sides = street(3)
    solver, calm = ShallowWater(grid, bed, sides), ShallowWater(grid, bed, sides)
    calls = 0
    ((_, members),) = solver._groups
    second_stage = members._kernels.second_stage

    def poisoned(*arguments):
        nonlocal calls
        calls += 1
        window, cells = second_stage(*arguments)
        if calls >= 10:
            line = members._layout.from_window(window[0])
            members._layout.per_member(line)[1, 200] = math.inf
            window = (members._layout.window(line), *window[1:])
        return window, cells

    members._kernels = members._kernels._replace(second_stage=poisoned)
    start = lake_at_rest(bed, blocked)
    state, budget = solver.advance(start, blocked, 0.0, 3.0)
    assert budget.diverged.tolist() == [False, True, False]
    (found,) = budget.divergences
    assert found.step == 9 == int(budget.steps[1])
    assert found.cell == (200 // (24 + 4) - 2, 200 % (24 + 4) - 2)
    assert found.time == pytest.approx(float(budget.duration[1]), rel=1e-12)
    assert_closed(start, state, budget, 4.0)
    short, _ = calm.advance(start, blocked, 0.0, 3.0)
    assert same(state.members(slice(0, 1)), short.members(slice(0, 1)))
    assert same(state.members(slice(2, 3)), short.members(slice(2, 3)))


def test_inactive_members_stay_as_they_are():
    grid, bed, blocked, sides = street(3)
    solver = ShallowWater(grid, bed, sides)
    state, _ = run(solver, blocked, 2.0, 1)
    everyone, _ = solver.advance(state, blocked, 2.0, 1.0)
    active = torch.tensor([True, False, True])
    some, budget = solver.advance(state, blocked, 2.0, 1.0, active)
    assert same(some.members(slice(1, 2)), state.members(slice(1, 2)))
    assert not same(everyone.members(slice(1, 2)), state.members(slice(1, 2)))
    for one in (slice(0, 1), slice(2, 3)):
        assert same(some.members(one), everyone.members(one))
    assert budget.duration.tolist() == [1.0, 0.0, 1.0] and int(budget.steps[1]) == 0
    assert not bool(budget.impulse()[1].any())
    with pytest.raises(InputError, match="active"):
        solver.advance(state, blocked, 2.0, 1.0, active[:2])


@pytest.mark.parametrize("dt", [-0.1, math.nan, math.inf, 10.0])
def test_an_impossible_step_is_refused(dt):
    grid, bed, blocked, sides = street(2)
    solver = ShallowWater(grid, bed, sides)
    state, time = lake_at_rest(bed, blocked), torch.zeros(2, dtype=torch.float64)
    with pytest.raises(InputError, match="dt"):
        solver.step(state, blocked, time, torch.tensor([0.01, dt], dtype=torch.float64))
    with pytest.raises(InputError, match="shape"):
        solver.step(state, blocked, time, time[:1])


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_everything_follows_the_type_and_device_of_the_bathymetry(dtype):
    """Whatever the solver made on the default device, here one without numbers, would not mix with
    the bathymetry on the CPU. (No GPU is needed, nor has one been tried.)"""
    grid, bed, blocked, wave = street(2)
    times = torch.linspace(0.0, 10.0, 5, dtype=torch.float64)
    level, flux = 0.2 * torch.ones(5, dtype=torch.float64), torch.ones(5, dtype=torch.float64)
    state = lake_at_rest(bed.to(dtype), blocked)
    now, dt = torch.zeros(2, dtype=torch.float64), torch.full((2,), 0.01, dtype=torch.float64)
    sides = Boundaries(wave.west, Open(), Elevation(times, level), Flux(times, flux))
    with torch.device("meta"):
        solver = ShallowWater(grid, bed.to(dtype), sides, manning=0.02)
        state, budget = solver.advance(state, blocked, 0.0, 1.0)
        state, _ = solver.step(state, blocked, now, dt)
        stored = energy(state, solver.bathymetry, grid)
    for name in FIELDS:
        assert getattr(state, name).dtype == dtype and getattr(state, name).device.type == "cpu"
    assert budget.wall_east.dtype == torch.float64 and budget.wall_east.device.type == "cpu"
    assert float(budget.boundary_volume[0, 3]) == pytest.approx(48.0, rel=1e-5)
    assert bool(torch.isfinite(stored).all())


def test_float32_keeps_a_lake_at_rest_to_its_own_rounding():
    grid, bed, blocked, _ = street(2)
    solver = ShallowWater(grid, bed.float())
    state, _ = solver.advance(lake_at_rest(bed.float(), blocked), blocked, 0.0, 3.0)
    fastest = max(float(w.abs().max()) for w in state.velocity())
    assert fastest / math.sqrt(GRAVITY * 3.0) < 1e-5
