"""Blocks in a pool and a dam break on a block: what the simulator must do with them."""

import dataclasses
import itertools
import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from scenarios.dam_break_block import BANK, CELL, DAM, THICKNESS, DamBreakBlock
from scenarios.floating import LEVEL, Floating
from scenarios.floating import THICKNESS as FLAT
from worldsim import splits
from worldsim.simulator.constants import GRAVITY, SEAWATER_DENSITY
from worldsim.simulator.heave import ADDED, RADIATION
from worldsim.simulator.loose_bodies import KINDS, DebrisKind
from worldsim.simulator.world import simulate


@pytest.fixture(autouse=True, scope="module")
def one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def corners(block) -> np.ndarray:
    """Of a block's plan, (4, 2) m."""
    a, b = block.half_size[:2]
    cosine, sine = math.cos(block.heading), math.sin(block.heading)
    local = np.array([(a, b), (-a, b), (-a, -b), (a, -b)])
    return block.position + local @ np.array([[cosine, sine], [-sine, cosine]])


SPLIT = st.sampled_from(splits.offered(Floating))


@given(split=SPLIT, seed=st.integers(0, 1000), case=st.integers(0, 100))
@settings(max_examples=40, deadline=None)
def test_blocks_lie_in_the_pool_and_beside_each_other(split, seed, case):
    scenario = splits.draw(Floating, split, seed, case)
    scene = scenario.scene(seed, case)
    assert len(scene.debris) == scenario.count
    plans = [corners(block) for block in scene.debris]
    for plan in plans:
        assert np.all((plan > 0.66) & (plan < [11.34, 7.34]))
    for left, right in itertools.pairwise(plans):
        assert left[:, 0].max() < right[:, 0].min()
    assert len({block.colour for block in scene.debris}) == len(plans)
    for block in scene.debris:
        assert block.elevation - LEVEL == pytest.approx(scenario.release)
        assert block.elevation > LEVEL - scenario.depth
        # GM > 0 for every density, which the simulator's columns take for granted.
        assert 2 * min(block.half_size[:2]) > 1.2 * 2 * block.half_size[2]


@pytest.fixture(scope="module")
def pool():
    """Two cases of two realizations: bobbing near rest, and sinking."""
    scenarios = [
        Floating(density=0.5, side=1.3, release=-0.3, count=3),
        Floating(density=1.4, side=1.0, release=0.3, count=1, depth=4.0),
    ]
    return scenarios, simulate(scenarios, realizations=2, seed=4, duration=4.5, threads=1)


def test_bobbing_blocks_have_the_period_of_their_own_density_and_plan(pool):
    scenarios, rollout = pool
    scene = scenarios[0].scene(4, 0)
    time = rollout["bodies"]["time"].values
    for realization in range(2):
        draw = scenarios[0].hidden(scene, 4, 0, realization)
        position = rollout["bodies"]["position"].values[0, realization, :, 1:, 2]
        for k, block in enumerate(scene.debris):
            height, area = 2 * block.half_size[2], 4 * math.prod(block.half_size[:2])
            density = draw.debris_density[k] / SEAWATER_DENSITY
            rest = LEVEL - density * height + height / 2
            offset = position[:, k] - rest
            passing = np.flatnonzero(offset[:-1] * offset[1:] < 0)[:4]
            share = offset[passing] / (offset[passing] - offset[passing + 1])
            period = 2 * np.diff(time[passing] + 0.1 * share).mean()
            mass = density * height + ADDED * math.sqrt(area)  # over ρ A
            expected = 2 * math.pi * math.sqrt(mass / GRAVITY / (1 - RADIATION**2))
            assert period == pytest.approx(expected, rel=0.03)


def test_realizations_differ_by_their_hidden_density_only(pool):
    _, rollout = pool
    start = rollout["bodies"]["position"].values[:, :, 0]
    end = rollout["bodies"]["position"].values[:, :, 30]
    assert np.array_equal(start[:, 0], start[:, 1])
    assert not np.array_equal(end[:, 0], end[:, 1])


def test_what_sinks_comes_to_lie_on_the_bed(pool):
    _, rollout = pool
    last = rollout["bodies"]["position"].values[1, :, -10:, 1, 2]
    bed = LEVEL - 4.0 + FLAT * 1.0 / 2
    assert np.all((last >= bed - 0.01) & (last < bed + 0.08))
    speed = np.abs(rollout["bodies"]["velocity"].values[1, :, -5:, 1])
    assert speed.max() < 0.02


def test_still_water_stays_still_under_what_only_bobs(pool):
    _, rollout = pool
    momentum = rollout["water"]["momentum_x"].values[0]
    assert np.abs(momentum).max() < 1e-6
    assert not rollout["audit"]["failed"].values.any()


def test_a_block_is_seen_and_bobbing_shows():
    """The block's red is more of the picture when it is higher."""
    from worldsim.camera import render

    bobbing = Floating(density=0.4, side=1.3, release=0.3, count=1)
    rollout = simulate(bobbing, seed=0, duration=1.6, threads=1)
    height = rollout["bodies"]["position"].values[0, 0, :16, 1, 2]
    seen = []
    for camera in Floating.film_cameras:
        film = render(rollout, camera, size=Floating.size, fps=10, segmentation=True)
        mask = film["segmentation"].values[0, 0] == 1
        rows = mask.any(axis=2).sum(axis=1)
        columns = mask.any(axis=1).sum(axis=1)
        assert columns.min() >= 8 and rows[0] >= 8
        seen.append(mask.sum(axis=(1, 2)))
    assert np.corrcoef(seen[1], height)[0, 1] > 0.9
    assert seen[1].max() > 1.3 * seen[1].min()


STILL = DamBreakBlock(depth=1.8, gap=7.0, side=1.0, density=3.0, friction=1.0)


@pytest.fixture(scope="module")
def flood():
    """A block that nothing moves, a bigger one in the same wave, and one that is carried off."""
    scenarios = [
        STILL,
        DamBreakBlock(depth=1.8, gap=4.0, side=2.4, density=1.2, friction=0.6),
        DamBreakBlock(depth=2.4, gap=3.0, side=2.0, density=0.3, friction=0.06),
        DamBreakBlock(depth=2.4, gap=3.0, side=2.0, density=0.3, friction=0.3),
        DamBreakBlock(depth=2.4, gap=3.0, side=2.0, density=0.8, friction=0.06),
    ]
    return scenarios, simulate(scenarios, seed=1, duration=2.5, threads=1)


def ritter(x: np.ndarray, t: float, depth: float) -> np.ndarray:
    """Depth at x [m] from the dam at t [s]."""
    c = math.sqrt(GRAVITY * depth)
    s = x / t
    fan = np.where(s < 2 * c, (2 * c - s) ** 2 / (9 * GRAVITY), 0.0)
    return np.where(s < -c, depth, fan)


def beside_the_block(rollout, scenario) -> np.ndarray:
    """(time, x) depth along a row away from the block and the banks, m."""
    middle = rollout["bodies"]["position"].values[0, 0, 0, 1, 1]
    row = 4 if middle > 8 else -5
    return rollout["water"]["depth"].values[0, 0, :, row]


@pytest.mark.parametrize("moment", [0.8, 1.2, 1.6])
def test_the_wave_is_ritters(flood, moment):
    scenarios, rollout = flood
    h0 = scenarios[0].depth
    x = rollout["water"]["x"].values - DAM
    depth = beside_the_block(rollout, scenarios[0])[round(10 * moment)]
    exact = ritter(x, moment, h0)
    inside = (x > -DAM + 4 * CELL) & (x < 12.0)
    assert np.abs(depth - exact)[inside].mean() < 0.015 * h0
    # Its front, at a twentieth of the depth: friction and the grid hold the thin tip back.
    c = math.sqrt(GRAVITY * h0)
    expected = (2 - 3 * math.sqrt(0.05)) * c * moment
    k = int(np.flatnonzero(depth > 0.05 * h0).max())
    share = (depth[k] - 0.05 * h0) / (depth[k] - depth[k + 1])
    assert x[k] + share * CELL == pytest.approx(expected, rel=tolerance("front"))
    assert x[depth > 1e-3].max() < 2 * c * moment
    at_the_dam = np.interp(0.0, x, depth)
    assert at_the_dam == pytest.approx(4 / 9 * h0, rel=tolerance("depth at the dam"))


def tolerance(name: str) -> float:
    """What the scenario's catalogue promises."""
    return next(check.tolerance for check in DamBreakBlock.checks if check.name == name)


def test_wet_area_grows_as_the_front(flood):
    scenarios, rollout = flood
    depth = rollout["water"]["depth"].values[0, 0]
    h0, width = scenarios[0].depth, (32 - 2 * BANK) * CELL
    area = (depth > 0.05 * h0).sum((1, 2)) * CELL**2
    c = math.sqrt(GRAVITY * h0)
    for k in (8, 12):
        front = (2 - 3 * math.sqrt(0.05)) * c * k / 10
        assert area[k] == pytest.approx((DAM - BANK * CELL + front) * width, rel=0.05)


def largest_push(scenario: DamBreakBlock, breadth: float) -> float:
    """C b ρ g h0² / 8, N: h u² of Ritter's wave is at most g h0² / 4."""
    drag = KINDS[DebrisKind.BLOCK].drag
    return drag * breadth * SEAWATER_DENSITY * GRAVITY * scenario.depth**2 / 8


def test_the_bound_on_the_push_is_that_of_ritters_wave():
    c = math.sqrt(GRAVITY * 1.8)
    s = np.linspace(-c, 2 * c, 100_001)
    depth, speed = (2 * c - s) ** 2 / (9 * GRAVITY), 2 / 3 * (c + s)
    assert (depth * speed**2).max() == pytest.approx(GRAVITY * 1.8**2 / 4, rel=1e-6)


def test_a_block_whose_friction_no_push_can_exceed_stays(flood):
    scenarios, rollout = flood
    for case in (0, 1):
        scenario = scenarios[case]
        block = scenario.scene(1, case).debris[0]
        side = scenario.side
        # No deeper than at the dam, 4/9 h0, and with its diagonal to the flow.
        wet = min(4 / 9 * scenario.depth, THICKNESS * side)
        weight = SEAWATER_DENSITY * GRAVITY * side**2 * (
            0.9 * scenario.density * THICKNESS * side - wet
        )
        hold = 0.85 * scenario.friction * weight  # hidden: 3% of density, 5% of friction
        assert hold > largest_push(scenario, math.sqrt(2) * side)
        position = rollout["bodies"]["position"].values[case, 0, :, 1]
        assert np.abs(position - position[0])[:, :2].max() < 0.01, block


def test_the_impulse_on_a_block_that_stands_is_the_drag_of_ritters_wave(flood):
    """∫ ½ ρ C b h u² dt; less, since the block takes speed out of the water around it."""
    scenarios, rollout = flood
    scenario, block = scenarios[0], scenarios[0].scene(1, 0).debris[0]
    c = math.sqrt(GRAVITY * scenario.depth)
    moments = np.linspace(1e-3, 2.5, 2000)
    s = (block.position[0] - DAM) / moments
    depth = np.where(s < 2 * c, (2 * c - s) ** 2 / (9 * GRAVITY), 0.0)
    speed = np.where(s < 2 * c, 2 / 3 * (c + s), 0.0)
    drag = 0.5 * SEAWATER_DENSITY * KINDS[DebrisKind.BLOCK].drag * scenario.side
    wet = np.minimum(depth, THICKNESS * scenario.side)
    expected = np.trapezoid(drag * wet * speed**2, moments)
    received = float(rollout["audit"]["body_impulse"].values[0, 0, 0])
    assert 0.5 * expected < received < 1.1 * expected


def test_lighter_and_smoother_blocks_slide_further(flood):
    _, rollout = flood
    position = rollout["bodies"]["position"].values[:, 0, :, 1]
    slide = position[:, -1, 0] - position[:, 0, 0]
    light, rough, heavy = slide[2:]
    assert light > 1.0
    assert light > rough and light > heavy > slide[0]


def test_no_block_moves_before_the_front_can_reach_it(flood):
    scenarios, rollout = flood
    time = rollout["bodies"]["time"].values
    for case, scenario in enumerate(scenarios):
        early = time < scenario.gap / (2 * math.sqrt(GRAVITY * scenario.depth))
        position = rollout["bodies"]["position"].values[case, 0, early, 1]
        assert early.sum() > 3
        assert np.abs(position - position[0])[:, :2].max() < 1e-3


def test_books_of_the_flood_are_closed(flood):
    _, rollout = flood
    assert not rollout["audit"]["failed"].values.any()
    depth = rollout["water"]["depth"].values.astype(float)
    volume = depth.sum((-1, -2))
    assert np.ptp(volume / volume[..., :1]) < 1e-5


def test_members_are_the_same_alone():
    for scenario in (Floating(count=2), DamBreakBlock(density=0.3, gap=3.0)):
        other = dataclasses.replace(scenario, density=0.9)
        both = simulate([other, scenario], seed=2, duration=1.0, threads=1)
        alone = simulate([scenario], seed=2, case_numbers=[1], duration=1.0, threads=1)
        for group, name in (("bodies", "position"), ("water", "momentum_x")):
            assert np.array_equal(both[group][name].values[1], alone[group][name].values[0])
