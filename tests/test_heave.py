"""Blocks that are let go: falling, entering water, bobbing, floating, sinking, against theory."""

import dataclasses
import itertools
import math

import numpy as np
import pytest
import torch
from coast_scenes import body, draw, pool, world
from scipy.integrate import solve_ivp

from worldsim.errors import InputError
from worldsim.simulator.constants import COUPLING_STEP, GRAVITY, SEAWATER_DENSITY
from worldsim.simulator.heave import ADDED, ENTRY, RADIATION, added_mass
from worldsim.simulator.scene import DebrisKind

LEVEL = 1.0 + 6.0
"""Elevation of the water in m, 6 m deep."""


@dataclasses.dataclass(frozen=True)
class Block:
    """side and height m, relative density, height of its underside over the water m."""

    side: float
    height: float
    density: float
    release: float

    @property
    def mass(self) -> float:
        return self.density * SEAWATER_DENSITY * self.side**2 * self.height

    @property
    def added(self) -> float:
        return ADDED * SEAWATER_DENSITY * self.side**3

    @property
    def stiffness(self) -> float:
        return SEAWATER_DENSITY * GRAVITY * self.side**2

    @property
    def rest(self) -> float:
        """Height of the underside over the water when afloat, m."""
        return -self.density * self.height

    @property
    def period(self) -> float:
        """Undamped, s."""
        return 2 * math.pi * math.sqrt((self.mass + self.added) / self.stiffness)


NUDGED = [
    dataclasses.replace(block, release=block.rest + 0.08)
    for block in (
        Block(1.3, 0.78, 0.5, 0), Block(1.0, 0.6, 0.3, 0), Block(2.0, 1.2, 0.8, 0),
        Block(1.5, 0.9, 0.2, 0), Block(0.6, 0.36, 0.6, 0),
    )
]
DROPPED = [
    Block(1.3, 0.78, 0.5, 0.4), Block(1.6, 0.96, 0.3, 0.8), Block(1.0, 0.6, 0.8, 1.5),
    Block(1.3, 0.78, 0.4, -1.2),
]
SINKING = [Block(0.6, 0.36, 1.4, 0.1), Block(0.6, 0.36, 2.0, -0.4), Block(0.8, 0.48, 1.2, -0.5)]
PLUNGING = Block(2.0, 1.2, 2.0, 1.5)
ALL = [*NUDGED, *DROPPED, *SINKING, PLUNGING]
SECONDS = 11.0


def scene_of(block: Block):
    half = (block.side / 2, block.side / 2, block.height / 2)
    return pool(6.0, body(DebrisKind.BLOCK, half, elevation=LEVEL + block.release))


@pytest.fixture(scope="module")
def heights() -> dict[Block, np.ndarray]:
    """Height of the underside over the water, one value per exchange; all in one batch."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    scenes = [scene_of(block) for block in ALL]
    running = world(
        *scenes,
        hidden=[
            draw(scene, density=block.density * SEAWATER_DENSITY)
            for scene, block in zip(scenes, ALL, strict=True)
        ],
    )
    rows = [running.bodies.position[:, -1, 2].copy()]
    for _ in range(round(SECONDS / COUPLING_STEP)):
        running.step()
        rows.append(running.bodies.position[:, -1, 2].copy())
    torch.set_num_threads(threads)
    tilt = np.abs(running.bodies.quaternion[:, -1, 1:3])
    assert np.all(tilt[: len(NUDGED + DROPPED)] < 1e-6) and np.all(tilt < 1e-2)
    assert not running.failures().any()
    table = np.array(rows).T
    return {
        block: line - block.height / 2 - LEVEL for block, line in zip(ALL, table, strict=True)
    }


TIMES = np.arange(round(SECONDS / COUPLING_STEP) + 1) * COUPLING_STEP


@pytest.mark.parametrize("block", NUDGED)
def test_a_nudged_block_bobs_with_the_period_of_heave(heights, block):
    """T = 2π √((m + a) / (ρ g A)), longer by damping: T / √(1 - ζ²)."""
    offset = heights[block] - block.rest
    passing = np.flatnonzero(offset[:-1] * offset[1:] < 0)
    share = offset[passing] / (offset[passing] - offset[passing + 1])
    moments = TIMES[passing] + share * COUPLING_STEP
    halves = np.diff(moments[: 5])
    assert len(halves) == 4
    damped = block.period / math.sqrt(1 - RADIATION**2)
    assert 2 * halves.mean() == pytest.approx(damped, rel=0.02)


@pytest.mark.parametrize("block", NUDGED[:3])
def test_radiation_damps_by_its_share_of_the_critical(heights, block):
    """Amplitudes of successive half periods fall by exp(-π ζ / √(1 - ζ²))."""
    offset = heights[block] - block.rest
    passing = np.flatnonzero(offset[:-1] * offset[1:] < 0)
    first, second, third = (
        np.abs(offset[a:b]).max() for a, b in itertools.pairwise(passing[:4])
    )
    expected = math.exp(-math.pi * RADIATION / math.sqrt(1 - RADIATION**2))
    assert second / first == pytest.approx(expected, rel=0.05)
    assert third / second == pytest.approx(expected, rel=0.05)


@pytest.mark.parametrize("block", NUDGED + DROPPED)
def test_no_block_rises_higher_than_before(heights, block):
    """Nothing gives it energy: at the crests it has no other than that of its height."""
    line = heights[block]
    turns = np.flatnonzero((line[1:-1] >= line[:-2]) & (line[1:-1] > line[2:])) + 1
    crests = np.array([max(line[0], block.rest), *line[turns]])
    assert len(crests) > 3 and np.all(np.diff(crests[1:]) < 0)
    assert block.release < block.rest or crests[1] < crests[0]


@pytest.mark.parametrize("block", NUDGED + DROPPED)
def test_what_is_lighter_than_water_floats_at_the_draught_of_archimedes(heights, block):
    last = heights[block][SECONDS - block.period <= TIMES]
    assert last.mean() == pytest.approx(block.rest, abs=0.02 * block.height)


@pytest.mark.parametrize("block", [b for b in DROPPED if b.release > 0])
def test_a_block_falls_freely_to_the_water(heights, block):
    falling = math.sqrt(2 * block.release / GRAVITY) - COUPLING_STEP > TIMES
    exact = block.release - GRAVITY * TIMES**2 / 2
    assert falling.sum() > 3
    # MuJoCo's Euler step of 10 ms is ahead by g t dt / 2.
    ahead = GRAVITY * TIMES[falling] * 0.01 / 2
    assert np.abs(heights[block] - exact)[falling] == pytest.approx(ahead, abs=1e-6)


def motion(block: Block, drag: float = 1.2) -> np.ndarray:
    """Underside over the water by another way: d((m + a(s)) w)/dt as an equation solved finely."""
    area, depth = block.side**2, ENTRY * block.side
    critical = 2 * math.sqrt(block.stiffness * (block.mass + block.added))

    def rate(_t, state):
        z, w = state
        s = -z
        added = block.added * min(max(s / depth, 0.0), 1.0)
        growth = block.added / depth * -w if 0 < s < depth and w < 0 else 0.0
        wet = min(max(s, 0.0), block.height)
        force = block.stiffness * wet - block.mass * GRAVITY - growth * w
        if 0 < s < block.height:
            force -= RADIATION * critical * w
        elif s >= block.height:
            force -= 0.5 * SEAWATER_DENSITY * drag * area * abs(w) * w
        return [w, force / (block.mass + added)]

    found = solve_ivp(
        rate, (0, SECONDS), [block.release, 0.0], t_eval=TIMES, max_step=2e-3, rtol=1e-8
    )
    return found.y[0]


@pytest.mark.parametrize("block", DROPPED)
def test_dropped_and_pushed_under_blocks_follow_the_equation_of_motion(heights, block):
    exact = motion(block)
    swing = exact.max() - exact.min()
    assert np.abs(heights[block] - exact)[TIMES < 4.0].max() < 0.06 * swing


@pytest.mark.parametrize("block", SINKING)
def test_heavier_blocks_sink_at_the_terminal_speed(heights, block):
    """v = √(2 (s - 1) g h / C), and the way there by the equation of motion."""
    exact = motion(block)
    sinking = exact > -5.5  # short of the bed
    assert np.abs(heights[block] - exact)[sinking].max() < 0.06
    terminal = math.sqrt(2 * (block.density - 1) * GRAVITY * block.height / 1.2)
    last = np.flatnonzero(sinking)[-3:]
    speed = -np.gradient(heights[block], COUPLING_STEP)[last].mean()
    assert speed == pytest.approx(terminal, rel=0.03)
    assert heights[block][-1] == pytest.approx(-6.0, abs=0.06)  # it lies on the bed


def test_an_entering_block_gives_momentum_to_the_water_that_it_moves(heights):
    """(m + a) v1 - m v0 = ∫ (m g - B) dt (von Kármán); without a, v1 would be a fifth more."""
    block, line = PLUNGING, heights[PLUNGING]
    speed = np.gradient(line, COUPLING_STEP)
    # From the air until the added mass is complete; no longer, for radiation's sake.
    first = np.flatnonzero(line > 0)[-2]
    last = np.flatnonzero(line < -ENTRY * block.side)[1]
    span = slice(first, last + 1)
    wet = np.clip(-line[span], 0.0, block.height)
    critical = 2 * math.sqrt(block.stiffness * (block.mass + block.added))
    force = block.mass * GRAVITY - block.stiffness * wet
    force = force + np.where(wet > 0, RADIATION * critical * speed[span], 0.0)
    gained = np.trapezoid(force, dx=COUPLING_STEP)
    after = (block.mass + block.added) * -speed[last]
    before = block.mass * -speed[first]
    assert after - before == pytest.approx(gained, abs=0.03 * before)
    assert block.added * -speed[last] > 0.15 * before


def test_added_mass_is_that_of_its_plan_area():
    block = Block(1.3, 0.78, 0.5, 0.0)
    assert added_mass((0.65, 0.65, 0.39)) == pytest.approx(block.added)
    assert added_mass((1.3, 0.325, 0.1)) == pytest.approx(block.added)


def test_a_block_and_a_boat_are_the_same_alone_and_together():
    block, boat = DROPPED[0], body(DebrisKind.BOAT, (2.0, 1.0, 1.0), at=(24.0, 6.0))
    first = scene_of(block)
    second = pool(6.0, boat)
    both = world(first, second)
    alone = world(first), world(second)
    for _ in range(20):
        both.step()
        for one in alone:
            one.step()
    for member, one in enumerate(alone):
        assert np.array_equal(both.bodies.position[member], one.bodies.position[0])
        assert np.array_equal(both.bodies.velocity[member], one.bodies.velocity[0])


def test_only_blocks_are_let_go_and_above_the_ground():
    half = (0.5, 0.5, 0.3)
    with pytest.raises(InputError, match="only blocks are let go"):
        pool(2.0, body(DebrisKind.BOAT, half, elevation=5.0))
    with pytest.raises(InputError, match="must lie between the ground, 1 m"):
        pool(2.0, body(DebrisKind.BLOCK, half, elevation=0.5))
    standing = pool(0.0, body(DebrisKind.BLOCK, half))
    assert not standing.debris[0].let_go
