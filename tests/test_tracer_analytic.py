"""The tracer against closed forms: order of convergence, growth of a cloud; and compiled."""

import numpy as np
import pytest
import torch

import worldsim.simulator.water.dispersion as dispersion
import worldsim.simulator.water.tracer as tracer_module
from evaluation.validation import registry, thacker, tracer_transport
from evaluation.validation.convergence import order, relative_l1
from worldsim.compiler import compiler_found
from worldsim.simulator.water import Boundaries, Grid, Open, ShallowWater, Transport, WaterState
from worldsim.simulator.water.flux import half_slopes

CELLS = (24, 36, 54, 81)

pytestmark = pytest.mark.usefixtures("one_thread")


def observed(run) -> tuple[float, float]:
    """Order over four grids, and the error on the finest."""
    errors = [relative_l1(last.found, last.exact) for last in map(run, CELLS)]
    return order(errors, CELLS), errors[-1]


@pytest.mark.parametrize("velocity", [(1.0, 0.6), (-0.5, 0.3), (0.3, -0.4)])
def test_a_smooth_cloud_is_carried_at_second_order(velocity, monkeypatch):
    monkeypatch.setattr(tracer_transport, "START", np.array([12.0, 12.0]) - np.array(velocity))
    found, error = observed(lambda cells: tracer_transport.carry(cells, velocity, 2.0))
    assert found >= 1.8 and error < 0.006


def test_without_slopes_the_order_is_one(monkeypatch):
    monkeypatch.setattr(
        tracer_module, "half_slopes", lambda *given: torch.zeros_like(half_slopes(*given))
    )
    found, error = observed(lambda cells: tracer_transport.carry(cells, seconds=2.0))
    assert found < 1.1 and error > 0.05


def test_a_cloud_circles_in_a_bowl_at_second_order_while_its_shores_move():
    found, error = observed(tracer_transport.swing)
    assert found >= 1.8 and error < 0.05


def test_the_bowls_cloud_moves_with_the_water():
    """Its exact middle is that of a particle in Thacker's velocity, by small steps."""
    position, n = np.array([thacker.SHIFT, 0.0]), 20_000
    for k in range(n):
        time = (k + 0.5) * tracer_transport.BOWL / n
        _, u, v = thacker.planar(position[0], position[1], time)
        position = position + np.array([float(u), float(v)]) * (tracer_transport.BOWL / n)
    angle = 2 * np.pi * tracer_transport.BOWL / thacker.PLANAR_PERIOD
    np.testing.assert_allclose(
        position, thacker.SHIFT * np.array([np.cos(angle), np.sin(angle)]), atol=1e-6
    )


@pytest.mark.parametrize("degrees", [0.0, 30.0, 135.0])
def test_a_cloud_grows_by_twice_the_dispersion_tensor_times_the_time(degrees, monkeypatch):
    turned = np.radians(degrees)
    start = np.array([12.0, 12.0]) - 3.0 * np.array([np.cos(turned), np.sin(turned)])
    monkeypatch.setattr(tracer_transport, "START", start)
    cloud = tracer_transport.disperse(72, degrees)
    assert np.abs(cloud.covariance - cloud.exact).max() < 0.005 * cloud.exact.max()
    assert relative_l1(cloud.cloud.found, cloud.cloud.exact) < 0.05
    assert float(cloud.cloud.found.min()) >= 0.0


def test_dispersion_is_of_second_order_and_needs_its_mixed_part(monkeypatch):
    found, error = observed(lambda cells: tracer_transport.disperse(cells).cloud)
    assert found >= 1.8 and error < 0.04
    monkeypatch.setattr(dispersion, "_limited", lambda new, *_: torch.zeros_like(new))
    cloud = tracer_transport.disperse(54)
    assert abs(cloud.covariance[0, 1]) < 0.1 * cloud.exact[0, 1]


def test_the_case_is_registered_and_its_books_close():
    assert tracer_transport.CASES[0] in registry.CASES
    error, excess = tracer_transport.books(3.0)
    assert error < 1e-13 and excess <= 1e-12


def carried(compiled: bool, order: list[int]):
    """Two floods past a building, dispersing and decaying."""
    bed = torch.linspace(-2.0, 0.6, 12, dtype=torch.float64).expand(2, 8, 12).clone()
    bed[1] += 0.1
    blocked = torch.zeros_like(bed, dtype=torch.bool)
    blocked[:, 2:4, 7:9] = True
    depth = torch.where(blocked, 0.0, (0.5 - bed).clamp(min=0.0))
    source = torch.zeros_like(bed)
    source[0, 5, 5] = 0.3
    state = WaterState(depth, 2.0 * depth, 0.3 * depth, depth * (1.0 + bed.abs()))
    solver = ShallowWater(
        Grid(12, 8, 1.0, 1.2),
        bed[order],
        Boundaries(east=Open()),
        compiled=compiled,
        transport=Transport(decay=0.1, diffusivity=0.2),
    )
    solver.set_vegetation((0.1 * bed.abs())[order], (1.0 + 0.0 * bed)[order])
    given = WaterState(*(field[order] for field in state.fields()))
    return solver.advance(given, blocked[order], 0.0, 1.5, source=source[order])


@pytest.mark.slow
@pytest.mark.skipif(not compiler_found(), reason="torch.compile needs a C++ compiler")
def test_compiled_tracer_agrees_with_eager_and_with_itself():
    both, budget = carried(True, [0, 1])
    eager, other = carried(False, [0, 1])
    turned, swapped = carried(True, [1, 0])
    for name in ("depth", "momentum_x", "tracer"):
        a, b = getattr(both, name), getattr(eager, name)
        assert float((a - b).abs().max()) <= 1e-12 * float(b.abs().max())
        assert torch.equal(getattr(turned, name).flip(0), a)
    torch.testing.assert_close(budget.tracer_out, other.tracer_out, rtol=1e-11, atol=1e-12)
    torch.testing.assert_close(budget.friction_impulse, other.friction_impulse, rtol=1e-11, atol=0)
    assert torch.equal(swapped.tracer_decayed.flip(0), budget.tracer_decayed)
