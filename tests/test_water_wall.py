"""The exact wall depth against a bracketing solver, and its limits."""

import math

import pytest
import torch

from worldsim.simulator.water.flux import cube_root
from worldsim.simulator.water.wall import wall_depth

G = 9.80665


def test_reflected_shock_solves_its_equation_to_rounding():
    froude = torch.cat((torch.zeros(1), torch.logspace(-9, 3, 600))).double()
    for h in (1e-6, 0.3, 7.0):
        depth = torch.full_like(froude, h)
        u = froude * math.sqrt(G * h)
        star = wall_depth(depth, u, G)
        back = (star - h) * torch.sqrt(G * (star + h) / (2 * h * star))
        # u itself carries h* - h's rounding
        assert bool(((back - u).abs() <= 4e-15 * (u + math.sqrt(G * h))).all())
    assert float(wall_depth(depth, 0.0 * depth, G)[0]) == 7.0


@pytest.mark.parametrize(("froude", "factor"), [(0.5, 1.25), (3.0, 1.82)])
def test_mirrored_hll_would_overstate_the_force(froude, factor):
    """HLL of a state and its mirror image with Davis' speeds, S = u + c: h u^2 + p + h u S."""
    h = torch.ones(1, dtype=torch.float64)
    c = math.sqrt(G)
    u = froude * c
    exact = 0.5 * G * float(wall_depth(h, u * h, G)) ** 2
    assert (u * u + 0.5 * G + u * (u + c)) / exact == pytest.approx(factor, rel=0.02)


def test_ebb_follows_the_rarefaction_and_dries():
    h = torch.full((5,), 2.0, dtype=torch.float64)
    c = math.sqrt(G * 2.0)
    u = torch.tensor([0.0, -0.5, -1.9, -2.0, -3.0], dtype=torch.float64) * c
    star = wall_depth(h, u, G)
    expected = (torch.sqrt(G * h) + 0.5 * u).clamp(min=0.0) ** 2 / G
    torch.testing.assert_close(star, expected, rtol=1e-13, atol=1e-15)
    assert float(star[0]) == 2.0 and float(star[3]) == 0.0 and float(star[4]) == 0.0


def test_dry_cell_leaves_the_wall_dry():
    zero = torch.zeros(1, dtype=torch.float64)
    assert float(wall_depth(zero, zero, G)) == 0.0


def test_cube_root_is_exact_to_rounding_over_all_depths():
    x = torch.logspace(-5, 3, 2001, dtype=torch.float64)
    assert float((cube_root(x) ** 3 / x - 1.0).abs().max()) < 4e-15
