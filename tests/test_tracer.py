"""A dissolved tracer in any water: bounded, accounted for, and of no effect on the water."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import worldsim.simulator.water.dispersion as dispersion
import worldsim.simulator.water.tracer as tracer_module
from worldsim.errors import InputError
from worldsim.simulator.obstacles import rearrange
from worldsim.simulator.water import (
    DRY_DEPTH,
    Boundaries,
    Flux,
    Grid,
    IncomingWave,
    Open,
    ShallowWater,
    Transport,
    Wall,
    WaterState,
    open_cells,
    total,
)
from worldsim.simulator.water.layout import Layout
from worldsim.simulator.water.run import simulate_water

MEMBERS, NY, NX = 3, 7, 9
GRID = Grid(NX, NY, 1.0, 1.4)
AREA = GRID.dx * GRID.dy
FIELDS = ("depth", "momentum_x", "momentum_y", "tracer")
TIMES = torch.tensor([0.0, 0.4, 1.0], dtype=torch.float64)

pytestmark = pytest.mark.usefixtures("one_thread")


@st.composite
def worlds(draw):
    """Rough ground, much of it dry, walls, violent water, and what it carries."""
    generator = torch.Generator().manual_seed(draw(st.integers(0, 2**31)))

    def rand() -> torch.Tensor:
        return torch.rand((MEMBERS, NY, NX), generator=generator, dtype=torch.float64)

    bed = draw(st.floats(0.0, 2.0)) * rand()
    blocked = rand() < draw(st.floats(0.0, 0.3))
    depth = torch.where(blocked | (rand() < 0.4), 0.0, 3.0 * rand())
    speed = draw(st.floats(0.0, 6.0))
    flow = [depth * speed * (2 * rand() - 1) for _ in range(2)]
    state = WaterState(depth, *flow, depth * rand() * (rand() < 0.5))
    rows = 1.0 + rand()[:, 0, :3]
    kinds = {"wall": Wall(), "open": Open(0.8), "wave": IncomingWave(TIMES, rows, 2.2)}
    sides = [kinds[k] for k in draw(st.tuples(*[st.sampled_from(list(kinds))] * 4))]
    transport = Transport(
        decay=draw(st.sampled_from([0.0, 0.7])),
        longitudinal=draw(st.sampled_from([0.23, 5.93, 40.0])),
        diffusivity=draw(st.sampled_from([0.0, 3.0])),
    )
    source = torch.where(blocked, 0.0, rand()) if draw(st.booleans()) else None
    return bed, blocked, state, sides, transport, source


def flow(world, order=None, seconds=0.6):
    bed, blocked, state, sides, transport, source = world
    order = list(range(MEMBERS)) if order is None else order
    own = [
        IncomingWave(s.times, s.elevation[order], s.level) if isinstance(s, IncomingWave) else s
        for s in sides
    ]
    solver = ShallowWater(GRID, bed[order], Boundaries(*own), transport=transport, manning=0.03)
    given_ = WaterState(*(f[order] for f in state.fields()))
    return solver.advance(
        given_,
        blocked[order],
        0.0,
        seconds,
        source=None if source is None else source[order],
    )


def unexplained(before, after, budget):
    """Relative to all that there was or came in."""
    gone = budget.tracer_out.sum(1) + budget.tracer_decayed
    there = AREA * total(before.tracer) + budget.tracer_in
    return (AREA * total(after.tracer) + gone - there).abs() / there.clamp(min=1e-30)


@settings(max_examples=25, deadline=None)
@given(world=worlds())
def test_tracer_is_never_negative_stays_within_its_range_and_closes_its_books(world):
    _, blocked, before, _, _, source = world
    after, budget = flow(world)
    assert not bool(budget.diverged.any())
    assert float(after.tracer.min()) >= 0.0
    assert not bool(after.tracer[blocked].any())
    assert float(unexplained(before, after, budget).max()) < 1e-12
    if source is None:
        assert not bool(budget.tracer_in.any())
        most = before.concentration().amax((1, 2), keepdim=True)
        # what rounding leaves behind in a cell that ran dry is the full cell's
        assert bool((after.tracer <= most * (after.depth + 1e-14)).all())
    else:
        torch.testing.assert_close(budget.tracer_in, 0.6 * total(source), rtol=1e-13, atol=0)


@settings(max_examples=8, deadline=None)
@given(world=worlds())
def test_water_does_not_notice_the_tracer(world):
    bed, blocked, before, sides, _, _ = world
    after, budget = flow(world)
    bare = WaterState(before.depth, before.momentum_x, before.momentum_y)
    solver = ShallowWater(GRID, bed, Boundaries(*sides), manning=0.03)
    other, plain = solver.advance(bare, blocked, 0.0, 0.6)
    for name in FIELDS[:3]:
        assert torch.equal(getattr(other, name), getattr(after, name))
    assert other.tracer is None and not bool(plain.tracer_out.any())
    for name, value in vars(plain).items():
        if isinstance(value, torch.Tensor) and not name.startswith("tracer"):
            assert torch.equal(value, getattr(budget, name)), name


@settings(max_examples=8, deadline=None)
@given(world=worlds(), order=st.permutations(range(MEMBERS)))
def test_members_do_not_know_their_company(world, order):
    after, budget = flow(world)
    turned, other = flow(world, order)
    alone, own = flow(world, [1])
    for name in FIELDS:
        assert torch.equal(getattr(turned, name), getattr(after, name)[order])
        assert torch.equal(getattr(alone, name)[0], getattr(after, name)[1])
    for name in ("tracer_in", "tracer_out", "tracer_decayed"):
        assert torch.equal(getattr(other, name), getattr(budget, name)[order])
        assert torch.equal(getattr(own, name)[0], getattr(budget, name)[1])


@settings(max_examples=6, deadline=None)
@given(world=worlds(), axis=st.sampled_from([1, 2]))
def test_a_mirrored_tracer_is_mirrored_bit_for_bit(world, axis):
    bed, blocked, s, (west, east, south, north), transport, source = world
    after, _ = flow(world)
    turn_x, turn_y = (1.0, -1.0) if axis == 1 else (-1.0, 1.0)
    mirrored = WaterState(
        s.depth.flip(axis),
        turn_x * s.momentum_x.flip(axis),
        turn_y * s.momentum_y.flip(axis),
        s.tracer.flip(axis),
    )
    sides = [west, east, north, south] if axis == 1 else [east, west, south, north]
    source = None if source is None else source.flip(axis)
    other, _ = flow((bed.flip(axis), blocked.flip(axis), mirrored, sides, transport, source))
    assert torch.equal(other.tracer.flip(axis), after.tracer)


@settings(max_examples=12, deadline=None)
@given(world=worlds(), constant=st.sampled_from([0.1, 1.0, 3.0, 700.0]))
def test_a_constant_concentration_stays_constant_to_rounding(world, constant):
    """Where no water comes in without tracer; shores flood and dry, dispersion is strong."""
    bed, blocked, s, sides, transport, _ = world
    leaving = [Wall() if isinstance(side, IncomingWave) else side for side in sides]
    leaving = [Open(-5.0) if isinstance(side, Open) else side for side in leaving]
    before = WaterState(s.depth, s.momentum_x, s.momentum_y, constant * s.depth)
    calm = Transport(longitudinal=transport.longitudinal, diffusivity=transport.diffusivity)
    after, _ = flow((bed, blocked, before, leaving, calm, None))
    error = (after.tracer - constant * after.depth).abs()
    assert float(error.max()) <= 2e-14 * constant * float(s.depth.max())
    deep = after.depth > 1e-3
    assert float((after.concentration()[deep] / constant - 1.0).abs().max()) < 1e-11


def drained(share_lost):
    """C of three cells, 0.1, 0.5 and 0.9 kg/m3 in 1 m, when the middle one loses this share of
    its water downwards, where the reconstructed C is 0.3, within one stage."""
    layout = Layout(1, 1, 3)
    depth = torch.ones((1, 1, 3), dtype=torch.float64)
    line = layout.line(depth)
    tracer = layout.line(depth * torch.tensor([0.1, 0.5, 0.9], dtype=torch.float64))
    window = layout.window(line)
    mass_x = torch.zeros(len(window) + 1, dtype=torch.float64)
    mass_x[3] = -share_lost  # the face below the middle cell, dt = dx = 1
    mass_y = torch.zeros(len(window) + layout.row, dtype=torch.float64)
    ones = torch.ones_like(line)
    new = tracer_module.advect_tracer(
        tracer, line, mass_x, mass_y, ones, window * 0 + 1, window, layout.row, (1.0, 1.0)
    )
    after = layout.cells(layout.from_window(new))[0, 0]
    volume = torch.tensor([1.0 + share_lost, 1.0 - share_lost, 1.0], dtype=torch.float64)
    return after / volume, float(after.sum())


def test_what_stays_behind_in_a_draining_cell_is_bounded_by_its_surroundings(monkeypatch):
    for share in (0.3, 0.9, 0.999, 1.0 - 1e-9):
        c, mass = drained(share)
        assert mass == pytest.approx(1.5, rel=1e-14)
        assert float(c.min()) >= 0.1 and float(c.max()) <= 0.9 * (1.0 + 1e-7)
    c, _ = drained(0.3)
    assert float(c[1]) == pytest.approx((0.5 - 0.3 * 0.3) / 0.7)  # the slope is whole if it may

    def unbounded(c, wet, row):
        window = c[2 * row : -2 * row]
        return torch.full_like(window, -1e9), torch.full_like(window, 1e9)

    monkeypatch.setattr(tracer_module, "_range_around", unbounded)
    assert float(drained(0.999)[0].max()) > 100.0


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_clear_water_beside_a_cloud_never_rounds_below_nothing(dtype):
    """Where a cell may lose all its tracer, the bound leaves more than rounding takes."""
    for seed in range(8):
        rng = np.random.default_rng(seed)

        def field(low: float, high: float, rng=rng) -> torch.Tensor:
            return torch.as_tensor(rng.uniform(low, high, (1, 20, 24)), dtype=dtype)

        depth = field(0.0, 1.0) * (field(0.0, 1.0) < 0.8)
        cloud = depth * field(0.0, 1.0) * (field(0.0, 1.0) < 0.3)
        state = WaterState(depth, depth * field(-6.0, 6.0), depth * field(-6.0, 6.0), cloud)
        solver = ShallowWater(
            Grid(24, 20, 1.0, 1.4),
            field(0.0, 1.0),
            Boundaries(*[Open(-5.0)] * 4),
            gravity=(1e-3, 9.8)[seed % 2],
            manning=0.1,
            transport=Transport(longitudinal=(0.23, 40.0, 5.93)[seed % 3]),
        )
        for _ in range(4):
            state, _ = solver.advance(state, depth < 0.0, 0.0, 0.05)
            assert float(state.tracer.min()) >= 0.0


def rush(transport, seconds):
    """Uneven water with patches of tracer that rushes across the cells' corners."""
    rng = np.random.default_rng(2)
    depth = torch.as_tensor(rng.uniform(0.5, 1.0, (1, 20, 24)))
    c = torch.as_tensor((rng.uniform(0.0, 1.0, (1, 20, 24)) < 0.2) * 1.0)
    state = WaterState(depth, 3.0 * depth, -4.0 * depth, depth * c)
    sides = Boundaries(*[Open(-5.0)] * 4)
    solver = ShallowWater(
        Grid(24, 20, 1.0, 1.4), 0 * depth, sides, gravity=1e-2, manning=0.1, transport=transport
    )
    return solver.advance(state, depth < 0.0, 0.0, seconds)[0]


def test_without_its_limiter_the_mixed_part_of_dispersion_would_undershoot(monkeypatch):
    drawn_out = Transport(longitudinal=40.0, transverse=0.0)
    after = rush(drawn_out, 0.2)
    assert float(after.tracer.min()) >= 0.0

    def unlimited(new, c, depth, mixed_x, mixed_y, dt, row):
        gain = (mixed_x[:-1] - mixed_x[1:]) + (mixed_y[:-row] - mixed_y[row:])
        return dt * gain

    monkeypatch.setattr(dispersion, "_limited", unlimited)
    after = rush(drawn_out, 0.2)
    assert float(after.tracer.min()) < 0.0


def still_water(batch=1, depth=2.0, **options):
    h = torch.full((batch, NY, NX), depth, dtype=torch.float64)
    solver = ShallowWater(GRID, torch.zeros_like(h), **options)
    return solver, WaterState(h, 0 * h, 0 * h, 0 * h), torch.zeros_like(h, dtype=torch.bool)


def test_decay_and_source_follow_their_closed_form():
    k, seconds = 0.3, 2.0
    solver, state, free = still_water(transport=Transport(decay=k))
    start = WaterState(*state.fields()[:3], state.depth * 0.5)
    after, budget = solver.advance(start, free, 0.0, seconds)
    torch.testing.assert_close(
        after.tracer, start.tracer * math.exp(-k * seconds), rtol=1e-13, atol=0.0
    )
    source = torch.zeros_like(state.depth)
    source[0, 3, 4] = 5.0
    after, budget = solver.advance(state, free, 0.0, seconds, source=source)
    left = 5.0 / k * (1 - math.exp(-k * seconds))
    assert float(AREA * total(after.tracer)) == pytest.approx(left, rel=1e-12)
    assert float(budget.tracer_in) == pytest.approx(10.0, rel=1e-14)
    assert float(budget.tracer_decayed) == pytest.approx(10.0 - left, rel=1e-12)


def test_diffusion_in_still_water_follows_the_heat_equation():
    """A cosine between walls decays at D (pi/L)^2, whichever way the cells are cut."""
    n, length, d = 24, 20.0, 0.8
    x = (torch.arange(n, dtype=torch.float64) + 0.5) * (length / n)
    c = 1.0 + torch.cos(math.pi * x / length)
    transport = Transport(diffusivity=d)
    for turned in (False, True):
        h = torch.full((1, 2, n), 1.5, dtype=torch.float64)
        shaped = (h * c).mT.contiguous() if turned else h * c
        h = h.mT.contiguous() if turned else h
        grid = Grid(2, n, 3.0, length / n) if turned else Grid(n, 2, length / n, 3.0)
        solver = ShallowWater(grid, torch.zeros_like(h), transport=transport)
        state = WaterState(h, 0 * h, 0 * h, shaped)
        after, _ = solver.advance(state, torch.zeros_like(h, dtype=torch.bool), 0.0, 15.0)
        exact = 1.0 + torch.cos(math.pi * x / length) * math.exp(-d * (math.pi / length) ** 2 * 15)
        found = after.concentration()[0]
        found = found[:, 0] if turned else found[0]
        torch.testing.assert_close(found, exact, rtol=0.0, atol=2e-4)


def test_elders_coefficient_is_that_of_a_logarithmic_profile():
    """D_L/(h u*) = - int u' int 1/e int u' (Taylor 1954) by quadrature over the height z, with
    u' = (1 + ln z)/kappa and the vertical mixing e = kappa z (1 - z), whose mean is kappa/6."""
    kappa = 0.41
    z = (np.arange(400_000) + 0.5) / 400_000
    dz = z[1] - z[0]
    excess = (1.0 + np.log(z)) / kappa
    carried = np.cumsum(excess) * dz
    slope = np.cumsum(carried / (kappa * z * (1.0 - z))) * dz
    shear = -(excess * slope).sum() * dz
    assert Transport().longitudinal == pytest.approx(shear + kappa / 6.0, rel=2e-3)


def test_a_release_into_a_river_is_diluted_by_its_discharge():
    """Downstream C = kg/s over m3/s, what enters brings none, what leaves carries C."""
    q, deep, cells, release = 1.5, 0.2, 40, 0.6
    bed = torch.zeros((1, 2, cells), dtype=torch.float64)
    grid = Grid(cells, 2, 2.0, 3.0)
    depth = torch.full_like(bed, deep)
    times = torch.tensor([0.0, 1.0])
    sides = Boundaries(Flux(times, torch.tensor([q, q]), deep), Open(-5.0))
    solver = ShallowWater(grid, bed, sides, manning=0.0, transport=Transport())
    state = WaterState(depth, torch.full_like(bed, q), 0 * bed, 0.2 * depth)
    source = torch.zeros_like(bed)
    source[0, :, 10] = release / 2
    free = torch.zeros_like(bed, dtype=torch.bool)
    state, _ = solver.advance(state, free, 0.0, 30.0, source=source)
    c = state.concentration()[0]
    torch.testing.assert_close(c[:, 20:], 0 * c[:, 20:] + release / (q * 6.0), rtol=1e-6, atol=0)
    assert float(c[:, :10].max()) < 1e-6 * release / (q * 6.0)
    _, budget = solver.advance(state, free, 30.0, 10.0, source=source)
    assert float(budget.tracer_out[0, 1]) == pytest.approx(10.0 * release, rel=1e-4)
    assert not bool(budget.tracer_out[0, [0, 2, 3]].any())


def test_dry_ground_keeps_what_fell_on_it_until_water_comes():
    bed = torch.zeros((1, 3, 30), dtype=torch.float64)
    depth = torch.where(torch.arange(30) < 10, 1.0, 0.0) * torch.ones_like(bed)
    spill = torch.zeros_like(bed)
    spill[0, 1, 20] = 4.0
    solver = ShallowWater(Grid(30, 3, 1.0, 1.0), bed, transport=Transport())
    state, free = WaterState(depth, 0 * bed, 0 * bed, spill), torch.zeros_like(bed) > 0
    early, _ = solver.advance(state, free, 0.0, 0.5)
    assert torch.equal(early.tracer, spill) and not bool(early.concentration().any())
    late, _ = solver.advance(early, free, 0.5, 6.0)
    assert float(late.tracer[0, 1, 20]) < 4.0 and float(late.tracer[0, :, 21:].sum()) > 1.0
    assert float(late.tracer.sum()) == pytest.approx(4.0, rel=1e-13)


@settings(deadline=None, max_examples=20)
@given(world=worlds(), seed=st.integers(0, 2**31))
def test_walls_that_come_and_go_take_no_tracer(world, seed):
    _, blocked, state, *_ = world
    generator = torch.Generator().manual_seed(seed)
    wanted = torch.rand(blocked.shape, generator=generator) < 0.3
    new = rearrange(state, blocked, wanted)
    assert not bool(new.tracer[wanted].any())
    torch.testing.assert_close(
        new.tracer.sum((1, 2)), state.tracer.sum((1, 2)), rtol=1e-13, atol=1e-13
    )
    opened, left = open_cells(state, blocked, blocked & wanted)
    assert torch.equal(opened.tracer, state.tracer) and not bool((left & blocked & wanted).any())


def test_inactive_and_diverged_members_keep_their_tracer_and_the_others_their_bits():
    solver, state, free = still_water(3, transport=Transport(decay=0.1))
    ramp = torch.arange(NX, dtype=torch.float64).expand_as(state.depth)
    start = WaterState(state.depth, 0.5 * state.depth, 0 * ramp, ramp * state.depth)
    calm, books = solver.advance(start, free, 0.0, 1.0)
    push = start.momentum_x.clone()
    push[1, 3, 3] = 1e250
    wild = WaterState(start.depth, push, start.momentum_y, start.tracer)
    active = torch.tensor([True, True, False])
    after, budget = solver.advance(wild, free, 0.0, 1.0, active)
    assert budget.diverged.tolist() == [False, True, False]
    assert torch.equal(after.tracer[0], calm.tracer[0])
    assert torch.equal(after.tracer[1:], start.tracer[1:])
    assert torch.equal(budget.tracer_decayed[0], books.tracer_decayed[0])
    assert budget.tracer_decayed[1:].tolist() == [0.0, 0.0]


def test_a_step_and_an_empty_tracer():
    solver, state, free = still_water(2, transport=Transport(diffusivity=1.0))
    assert solver.advance(state, free, 0.0, 1.0)[0].tracer is not None
    start = WaterState(*state.fields()[:3], state.depth * torch.rand_like(state.depth))
    dt = torch.tensor([0.05, 0.0], dtype=torch.float64)
    after, budget = solver.step(start, free, torch.zeros(2), dt)
    assert torch.equal(after.tracer[1], start.tracer[1])
    assert not torch.equal(after.tracer[0], start.tracer[0])
    assert float(unexplained(start, after, budget).max()) < 1e-14


def test_single_precision_closes_within_its_limits():
    h = torch.full((1, NY, NX), 2.0)
    solver = ShallowWater(GRID, torch.zeros_like(h), transport=Transport(decay=0.2))
    state = WaterState(h, h, -h, h * torch.rand_like(h))
    after, budget = solver.advance(state, torch.zeros_like(h) > 0, 0.0, 1.0)
    assert after.tracer.dtype == torch.float32 and float(after.tracer.min()) >= 0.0
    assert float(unexplained(state, after, budget)) < 1e-5


@pytest.mark.parametrize(
    ("transport", "says"),
    [
        (dict(decay=-1.0), "decay"),
        (dict(decay=math.nan), "decay"),
        (dict(longitudinal=0.1), "below transverse"),
        (dict(diffusivity=math.inf), "diffusivity"),
    ],
)
def test_an_impossible_transport_is_named(transport, says):
    with pytest.raises(InputError, match=says):
        Transport(**transport)


def test_an_unusable_tracer_is_named():
    solver, state, free = still_water(transport=Transport())
    water = state.fields()[:3]
    walled = free.clone()
    walled[0, 0, 0] = True
    hole = [torch.where(walled, 0.0, field) for field in water]
    cases = [
        (WaterState(*water, -state.depth), free, None, "negative"),
        (WaterState(*water, state.depth * math.nan), free, None, "finite"),
        (WaterState(*water, state.depth[:, 1:]), free, None, "tracer is"),
        (WaterState(*hole, state.depth), walled, None, "blocked cell holds tracer"),
        (WaterState(*water), free, state.depth, "state with a tracer"),
        (state, free, state.depth[:, 1:], "kg/s in each cell"),
        (state, free, -state.depth, "source"),
        (WaterState(*hole, 0 * state.depth), walled, state.depth, "blocked cell; put it"),
    ]
    for given_, blocked, source, says in cases:
        with pytest.raises(InputError, match=says):
            solver.advance(given_, blocked, 0.0, 1.0, source=source)
    plain = ShallowWater(GRID, torch.zeros_like(state.depth))
    with pytest.raises(InputError, match="transport"):
        plain.advance(state, free, 0.0, 1.0)


def test_the_record_of_water_alone_holds_its_tracer(tmp_path):
    z = np.zeros((4, 30))
    options = dict(cell_size=2.0, depth=1.0, velocity=(1.0, 0.0), output_interval=5.0)
    release = np.zeros((4, 30))
    release[:, 5] = 0.5
    data = simulate_water(
        z,
        20.0,
        release=release,
        concentration=0.1,
        transport=Transport(decay=0.01),
        boundaries=Boundaries(east=Open(1.0)),
        gauges=[(11.0, 3.0)],
        **options,
    )
    assert data.tracer.sizes["time"] == 5 and data.tracer.attrs["units"] == "kg m-2"
    np.testing.assert_allclose(data.tracer[0], 0.1)
    assert float(data.tracer_in) == pytest.approx(4 * 0.5 * 20.0)
    assert float(data.tracer_decayed) > 0.0 and float(data.tracer_out) > 0.0
    assert float(data.tracer_error) < 1e-13 and not bool(data.failed)
    assert float(data.gauge_concentration[-1, 0]) > 0.15
    assert float(data.maximum_concentration.max()) >= float(data.concentration.max())
    data.to_netcdf(tmp_path / "tracer.nc")
    plain = simulate_water(z, 20.0, boundaries=Boundaries(east=Open(1.0)), **options)
    assert "tracer" not in plain
    np.testing.assert_array_equal(plain.depth, data.depth)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (dict(concentration=-1.0), "concentration"),
        (dict(concentration=np.ones((2, 2))), "concentration of shape"),
        (dict(release=-0.5), "release"),
        (dict(transport=Transport()), "without a tracer"),
        (dict(release=1.0, blocked=np.eye(4)), "blocked cell"),
    ],
)
def test_an_unusable_tracer_is_refused_before_the_first_step(monkeypatch, change, says):
    def never(*_):
        raise AssertionError("a step was taken")

    monkeypatch.setattr(ShallowWater, "advance", never)
    with pytest.raises(InputError, match=says):
        simulate_water(**(dict(bathymetry=np.zeros((4, 4)), duration=1.0, cell_size=1.0) | change))


def test_films_hold_their_tracer_but_have_no_concentration():
    depth = torch.tensor([[[0.5 * DRY_DEPTH, 1.0]]], dtype=torch.float64)
    state = WaterState(depth, 0 * depth, 0 * depth, torch.ones_like(depth))
    assert state.concentration().tolist() == [[[0.0, 1.0]]]
