"""The known answers are right (checked another way), and a broken solver does not pass them."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import worldsim.simulator.water.flux as flux
from evaluation.validation import (
    analytic_runup,
    convergence,
    dam_break,
    flow,
    laboratory_runup,
    reflected_bore,
    simple_wave,
    solitary_wave,
    square_column,
    steady_flow,
    still_lake,
    thacker,
)
from evaluation.validation.case import Check, Diverged
from evaluation.validation.data import DataFile
from worldsim.simulator.water import GRAVITY, Boundaries, ShallowWater, WaterState

pytestmark = pytest.mark.usefixtures("one_thread")


# --- the closed forms obey the equations -------------------------------------------------------


@settings(max_examples=20, deadline=None)
@given(high=st.floats(0.5, 20.0), ratio=st.floats(0.01, 0.9), time=st.floats(0.5, 3.0))
def test_stoker_keeps_mass_and_gains_the_momentum_that_the_ends_press_in(high, ratio, time):
    low = ratio * high
    far = 4.0 * np.sqrt(GRAVITY * high) * time
    x = np.linspace(-far, far, 40_001)
    depth, u = dam_break.stoker(x, time, high, low)
    assert np.trapezoid(depth, x) == pytest.approx((high + low) * far, rel=1e-3)
    pressed = 0.5 * GRAVITY * (high**2 - low**2) * time
    assert np.trapezoid(depth * u, x) == pytest.approx(pressed, rel=1e-3)


def test_ritter_is_stoker_with_hardly_any_water_before_the_dam():
    x = np.linspace(-30.0, 30.0, 501)
    depth, u = dam_break.ritter(x, 2.0, 3.0)
    nearly, _ = dam_break.stoker(x, 2.0, 3.0, 1e-6)
    assert np.abs(depth - nearly).max() < 0.02
    fine = np.linspace(-30.0, 30.0, 60_001)
    depth, u = dam_break.ritter(fine, 2.0, 3.0)
    assert np.trapezoid(depth, fine) == pytest.approx(90.0, rel=1e-4)
    assert np.trapezoid(depth * u, fine) == pytest.approx(0.5 * GRAVITY * 9.0 * 2.0, rel=1e-4)


def residuals(solution, bed, x, y, time, step=1e-4):
    """Of mass and both momenta (in velocities), by central differences."""
    at = {key: solution(x + key[0] * step, y + key[1] * step, time + key[2] * step)
          for key in ((1, 0, 0), (-1, 0, 0), (0, 1, 0), (0, -1, 0), (0, 0, 1), (0, 0, -1))}
    h, u, v = solution(x, y, time)

    def d(axis, what):
        up, down = [0, 0, 0], [0, 0, 0]
        up[axis], down[axis] = 1, -1
        return (what(*at[tuple(up)], tuple(up)) - what(*at[tuple(down)], tuple(down))) / (2 * step)

    def eta(h, u, v, k):
        return h + bed(x + k[0] * step, y + k[1] * step)

    mass = (d(2, lambda h, u, v, k: h) + d(0, lambda h, u, v, k: h * u)
            + d(1, lambda h, u, v, k: h * v))
    along = d(2, lambda h, u, v, k: u) + u * d(0, lambda h, u, v, k: u) \
        + v * d(1, lambda h, u, v, k: u) + GRAVITY * d(0, eta)
    across = d(2, lambda h, u, v, k: v) + u * d(0, lambda h, u, v, k: v) \
        + v * d(1, lambda h, u, v, k: v) + GRAVITY * d(1, eta)
    return h, mass, along, across


@pytest.mark.parametrize("solution", [thacker.planar, thacker.curved])
def test_thacker_solves_the_equations_where_wet(solution):
    rng = np.random.default_rng(0)
    x, y = rng.uniform(-1.2, 1.2, (2, 400))
    for time in (0.3, 0.9):
        h, *parts = residuals(solution, thacker.bowl, x, y, time)
        deep = h > 1e-2
        assert deep.sum() > 50
        for part in parts:
            assert np.abs(part[deep]).max() < 1e-5


def test_the_curved_bowl_begins_with_its_shore_where_it_says():
    x = np.linspace(0.0, 1.5, 15001)
    depth, u, _ = thacker.curved(x, 0 * x, 0.0, GRAVITY)
    assert x[depth > 0].max() == pytest.approx(thacker.SHORE, abs=2e-4)
    assert not u.any()


def test_the_simple_wave_solves_the_equations():
    def solution(x, y, time):
        depth = simple_wave.simple_wave(x, time)
        u = 2 * (np.sqrt(GRAVITY * depth) - np.sqrt(GRAVITY * simple_wave.STILL))
        return depth, u, 0 * x

    x = np.linspace(-12.0, 18.0, 400)
    h, *parts = residuals(solution, lambda x, y: 0 * x, x, 0 * x, 1.5)
    assert h.max() > simple_wave.STILL + 0.9 * simple_wave.HEIGHT
    for part in parts:
        assert np.abs(part).max() < 1e-6


@pytest.mark.parametrize("form", ["subcritical", "jump", "channel"])
def test_steady_flows_balance_momentum(form):
    x = np.linspace(1.0, 24.0, 4601) if form != "channel" else np.linspace(1.0, 999.0, 2001)
    rough = 0.0
    if form == "subcritical":
        q, h, z = 4.42, steady_flow.subcritical_bump(x, *steady_flow.SUBCRITICAL), None
    elif form == "jump":
        q, h, z = 0.18, steady_flow.transcritical_bump(x, *steady_flow.WITH_JUMP), None
    else:
        q, h, z = 2.0, steady_flow.channel_depth(x), steady_flow.channel_bed(x)
        rough = steady_flow.CHANNEL_MANNING
    z = steady_flow.bump(x) if z is None else z
    thrust = q * q / h + 0.5 * GRAVITY * h * h
    middle = 0.5 * (h[1:] + h[:-1])
    friction = GRAVITY * rough**2 * q**2 / middle ** (7 / 3)
    lost = GRAVITY * middle * np.diff(z) + friction * np.diff(x)
    error = np.abs(np.diff(thrust) + lost)
    # of a step of thrust; the cell that holds the jump sees a change of bed with it
    assert np.sort(error)[:-1].max() < 1e-6 * thrust.max()
    assert error.max() < 1e-3 * thrust.max()
    froude = q / np.sqrt(GRAVITY * h**3)
    assert (froude.max() > 1) == (form == "jump")


def test_the_reflected_bore_conserves_mass_and_momentum():
    bore = reflected_bore.exact()
    h0, h1, h2, u = reflected_bore.AHEAD, reflected_bore.BEHIND, bore.reflected, bore.velocity
    # per second: water behind each front, from what flows in
    assert (h1 - h0) * bore.speed == pytest.approx(h1 * u, rel=1e-12)
    assert (h2 - h1) * bore.return_speed == pytest.approx(h1 * u, rel=1e-12)
    pressed = 0.5 * GRAVITY * (h1**2 - h0**2)
    assert h1 * u * bore.speed == pytest.approx(h1 * u * u + pressed, rel=1e-12)
    gained = h1 * u * u + 0.5 * GRAVITY * h1**2 + h1 * u * bore.return_speed
    assert gained == pytest.approx(0.5 * GRAVITY * h2**2, rel=1e-12)


def test_linear_run_up_has_the_law_as_one_limit_and_a_wall_as_the_other():
    long = analytic_runup.linear_runup(3e-6) / 3e-6
    assert long == pytest.approx(2.0, abs=0.02), "a wave far longer than the beach sees a wall"
    ratios = [analytic_runup.linear_runup(h) / solitary_wave.runup_law(h) for h in (0.01, 0.1, 0.5)]
    assert ratios[0] > ratios[1] > ratios[2] > 1
    assert ratios[2] == pytest.approx(1.0, abs=0.006)


def test_order_of_a_known_power():
    assert convergence.order([0.3 * n**-1.7 for n in (10, 20, 30, 60)], (10, 20, 30, 60)) == \
        pytest.approx(1.7)


# --- a row passes only within its goals --------------------------------------------------------


@pytest.mark.parametrize(("row", "passed"), [
    (Check("a", "1", 0.01, 0.02), True),
    (Check("a", "1", 0.03, 0.02), False),
    (Check("a", "1", 0.01, order=1.9, least_order=1.8), True),
    (Check("a", "1", 0.01, order=1.7, least_order=1.8), False),
    (Check("a", "1", 0.03, 0.02, order=1.9, least_order=1.8), False),
    (Check("a", "1", float("nan"), 0.02), False),
    (Check("a", "1", 0.01, 0.02, order=float("nan"), least_order=1.8), False),
    (Check("a", "1", 0.01, 0.02, least_order=1.8), False),
    (Check("a", "1", 0.5), None),
    (Check("a", "1", float("nan")), False),
    (Check("a", "1", np.float64(0.03), 0.02), False),
    (Check("a", "1", np.float64(0.01), order=np.float64(2.0), least_order=1.8), True),
])
def test_what_passes(row, passed):
    assert row.passed is passed


# --- a broken solver is found out --------------------------------------------------------------


class Heavier(ShallowWater):
    """Gravity 5% too strong."""

    def __init__(self, *args, gravity, **kwargs):
        super().__init__(*args, gravity=1.05 * gravity, **kwargs)


class Stirring(ShallowWater):
    """Moves still water by 1e-9 m2/s."""

    def advance(self, *args, **kwargs):
        state, budget = super().advance(*args, **kwargs)
        push = 1e-9 * (state.depth > 0)
        return WaterState(state.depth, state.momentum_x + push, state.momentum_y), budget


def failed(rows):
    return {row.quantity for row in rows if row.passed is False}


def shorten(monkeypatch, module, cells):
    monkeypatch.setattr(module, "CELLS", cells)


def test_the_lake_notices_one_part_in_a_billion(monkeypatch):
    monkeypatch.setattr(still_lake, "SECONDS", 1.0)
    assert not failed(still_lake.check())
    monkeypatch.setattr(flow, "ShallowWater", Stirring)
    assert "largest speed / sqrt(g h_max)" in failed(still_lake.check())


@pytest.mark.parametrize("number", [0, 1])
def test_dam_breaks_notice_wrong_gravity(monkeypatch, number):
    shorten(monkeypatch, dam_break, (50, 100, 200))
    assert not failed(dam_break.CASES[number].check())
    monkeypatch.setattr(flow, "ShallowWater", Heavier)
    assert failed(dam_break.CASES[number].check())


def test_smooth_waves_notice_a_scheme_of_first_order(monkeypatch):
    shorten(monkeypatch, simple_wave, (40, 60, 90))
    assert not failed(simple_wave.check())
    slopes = flux.half_slopes
    monkeypatch.setattr(flux, "half_slopes", lambda *given: 0.0 * slopes(*given))
    assert failed(simple_wave.check())


def test_the_wall_notices_wrong_gravity(monkeypatch):
    shorten(monkeypatch, reflected_bore, (120, 180))
    wall = {"wall force after reflection", "wall impulse"}
    assert not wall & failed(reflected_bore.check())
    monkeypatch.setattr(flow, "ShallowWater", Heavier)
    assert wall <= failed(reflected_bore.check())


def test_a_diverging_solver_fails_the_case(monkeypatch):
    class Exploding(ShallowWater):
        def advance(self, state, *args, **kwargs):
            wild = WaterState(state.depth, state.momentum_x + 1e200, state.momentum_y)
            return super().advance(wild, *args, **kwargs)

    monkeypatch.setattr(flow, "ShallowWater", Exploding)
    with pytest.raises(Diverged, match="diverged"):
        flow.Flow(1.0, np.zeros(10), np.ones(10), boundaries=Boundaries()).to(1.0)


# --- published files ---------------------------------------------------------------------------


def serve(monkeypatch, module, tmp_path, text):
    """Let `module` read this text as if it were the published file."""
    path = tmp_path / "published.txt"
    path.write_text(text)

    def located(file: DataFile):
        return path

    monkeypatch.setattr(module, "locate", located)


def test_profiles_and_series_are_read_as_published(monkeypatch, tmp_path):
    serve(monkeypatch, analytic_runup, tmp_path,
          "title\t\nunits\t\n\nx/d \t\tt/tau=35\tt/tau=55\n-0.1\tNaN\t0.05\n0\t0.002\t\t0.04\n")
    x, times, table = analytic_runup.read_profiles()
    assert x.tolist() == [-0.1, 0.0] and times.tolist() == [35.0, 55.0]
    assert np.isnan(table[0, 0]) and table[1].tolist() == [0.002, 0.04]
    serve(monkeypatch, analytic_runup, tmp_path,
          "title\nunits\n\nt/tau\tx/d=0.25\tt/tau\tx/d=9.95\n0.1\t1e-3\t0.25\t2e-3\n"
          "0.2\tNaN\t\t\n")
    (near_t, near), (far_t, far) = analytic_runup.read_series()
    assert near_t.tolist() == [0.1, 0.2] and np.isnan(near[1])
    assert far_t.tolist() == [0.25] and far.tolist() == [2e-3]


def test_laboratory_runs_are_read_in_metres(monkeypatch, tmp_path):
    serve(monkeypatch, laboratory_runup, tmp_path, "#H/d R/d d (cm)\n0.005\t0.019\t33.52\n"
          "0.3\t0.5\t20\n")
    np.testing.assert_allclose(laboratory_runup.read_runup(),
                               [[0.005, 0.019, 0.3352], [0.3, 0.5, 0.2]], rtol=1e-12)


def test_the_force_record_is_sorted_and_binned(monkeypatch, tmp_path):
    rng = np.random.default_rng(3)
    time = rng.uniform(0.0, 1.8, 4000)
    lines = "".join(f"{t:.5f}\t\t{20 * t + 1:.5f}\n" for t in time)
    serve(monkeypatch, square_column, tmp_path, lines)
    record = square_column.read_measured()
    assert np.abs(record.force - (20 * record.time + 1)).max() < 0.15
    exact = 10 * (1.3**2 - 0.25**2) + 1.05
    assert record.impulse() == pytest.approx(exact, rel=2e-3)
    sparse = square_column.binned(np.array([1.0, 0.005]), np.array([2.0, 1.0]))
    assert np.interp(0.5, sparse.time, sparse.force) == pytest.approx(1.5, abs=0.02)


def test_friction_scales_with_depth():
    """n in units of depth and gravity: the same friction slope for the same flow."""
    depth, u = np.array([0.3]), 0.5
    slope = laboratory_runup.MANNING**2 * u**2 / depth ** (4 / 3)
    scaled_u = u / np.sqrt(laboratory_runup.GRAVITY * depth)
    assert laboratory_runup.scaled_manning(depth) ** 2 * scaled_u**2 == pytest.approx(slope)


def test_the_initial_wave_is_the_published_one():
    beach = solitary_wave.Beach(2.0, 60.0, 0.2)
    waves = solitary_wave.SolitaryWaves(beach, [0.019])
    x = beach.x
    surface = np.where(x > 0, waves.surface[0], 0.0)
    top = x[surface.argmax()]
    assert top == pytest.approx(38.1, abs=0.15), "X1 = X0 + L"
    half = np.interp(solitary_wave.COT_BETA, x[::-1], surface[::-1])
    assert half == pytest.approx(0.019 / 20, rel=0.05), "1/20 of the height at the toe"
    depth, momentum = waves.flow.state.depth[0, 0], waves.flow.state.momentum_x[0, 0]
    at = int(surface.argmax())
    assert float(momentum[at] / depth[at]) == pytest.approx(0.019, rel=1e-3), "towards the beach"
