"""Worlds that are wrong by a known amount: by nothing at 0, and by what they say elsewhere."""

import dataclasses
import math

import numpy as np
import pytest
import xarray as xr
from scipy import ndimage

from scenarios.collision import Collision
from scenarios.dam_break_block import DamBreakBlock
from scenarios.double_pendulum import DoublePendulum
from scenarios.free_fall import FreeFall
from worldsim import InputError, load_model, simulate
from worldsim.camera import camera_of, render
from worldsim.mechanics import (
    Body,
    Freedom,
    Joint,
    Material,
    MechanicalHidden,
    MechanicalScene,
    Part,
    Shape,
    ball,
    floor,
)
from worldsim.models.flawed_film import blurred, instants
from worldsim.models.flawed_objects import JUMP, Picture, objects_of, with_flawed_objects
from worldsim.models.flaws import Flaws, befallen
from worldsim.models.simulated import SimulatedWorld
from worldsim.query import Query, query
from worldsim.simulator.constants import GRAVITY
from worldsim.simulator.mechanics.audit import Failure
from worldsim.simulator.mechanics.run import mechanical_states
from worldsim.simulator.scene import Physics

CONTEXT = 4
SIZE = (32, 32)
RUNGS = np.geomspace(0.02, 0.5, 10)


def _run(physics: Physics, *bodies: Body, seconds: float = 1.0,
         gravity: float = GRAVITY) -> dict[str, xr.Dataset]:
    """The states of one member of a scene."""
    groups = mechanical_states(
        [MechanicalScene(bodies, {}, gravity=gravity)], [[MechanicalHidden()]],
        round(120 * seconds), physics, threads=1, workers=1, progress=None,
    )
    return {name: group.isel(case=0, realization=0, missing_dims="ignore")
            for name, group in groups.items()}


def _world(changes: str = "") -> SimulatedWorld:
    return SimulatedWorld.from_name(f"mujoco:{changes}")


@pytest.fixture(scope="module")
def truth() -> xr.DataTree:
    """Three falling balls in each of two cases."""
    return simulate(FreeFall(count=3), cases=2, realizations=2, seed=7, duration=1.1)


@pytest.fixture(scope="module")
def asked(truth: xr.DataTree) -> Query:
    """21 frames, of which the first are known."""
    return query(FreeFall(count=3), context=truth, frames=CONTEXT, realizations=2, size=SIZE,
                 cameras=("side",), duration=1.05)


@pytest.fixture(scope="module")
def states(asked: Query) -> xr.DataTree:
    """As ``mujoco`` simulates them."""
    return _world().simulated(asked)


def _video(world: SimulatedWorld, states: xr.DataTree, asked: Query) -> np.ndarray:
    """(case, realization, time, row, column, 3)."""
    return world.filmed(states, asked)["video/side"]["rgb"].values


@pytest.fixture(scope="module")
def right(states: xr.DataTree, asked: Query) -> np.ndarray:
    """The video without flaws."""
    return _video(_world(), states, asked)


# What a name says.


def test_names_are_read() -> None:
    world = _world("gravity=-20%,drag=5%,overlap=0.1,energy=-10%,vanish=2.5%,blur=4e-2")
    assert world.physics == Physics(gravity=0.8 * GRAVITY, drag=0.05, overlap=0.1, energy=-0.1)
    assert world.flaws == Flaws(vanish=0.025, blur=0.04)
    assert world.name == "mujoco:gravity=-20%,drag=5%,overlap=0.1,energy=-10%,vanish=2.5%,blur=4e-2"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ("vanisch=5%", "no constant 'vanisch'; did you mean 'vanish'"),
        ("blurr=5%", "did you mean 'blur'"),
        ("vanish=101%", "vanish=1.01: give a share from 0 to 1"),
        ("merge=-1%", "merge=-0.01: give a share"),
        ("overlap=2", "overlap=2: give a share"),
        ("drag=-5%", "drag=-0.05 per m: give 0 or more"),
        ("gravity=-100%", "gravity=0 must be a positive number"),
        ("blur=2%,blur=4%", "'blur' is given twice"),
        ("blur", "write FIELD=VALUE"),
        ("blur=1.2.3", "'1.2.3' in .* is not a number"),
    ],
)
def test_names_that_mean_nothing_are_refused_in_one_line(changes: str, message: str) -> None:
    with pytest.raises(InputError, match=message) as refusal:
        load_model(f"mujoco:{changes}")
    assert "\n" not in str(refusal.value)


# At no strength, nothing is wrong; hidden draws are shared by all strengths.


def test_no_strength_is_the_simulator_itself(
    states: xr.DataTree, asked: Query, right: np.ndarray
) -> None:
    names = [field.name for field in (*dataclasses.fields(Physics)[6:], *dataclasses.fields(Flaws))]
    assert {"drag", "overlap", "energy", "teleport", "backwards"} <= set(names)
    none = _world(",".join(f"{name}=0%" for name in names))
    assert np.array_equal(none.rollout(asked)["video/side"]["rgb"], right)
    factors = _world("gravity=-0%,restitution=-0%,friction=+0%,mass=0%")
    assert np.array_equal(factors.rollout(asked)["video/side"]["rgb"], right)
    assert np.array_equal(_world().rollout(asked)["video/side"]["rgb"], right)


def test_all_wrong_worlds_share_hidden_draws_that_are_not_the_truths(
    truth: xr.DataTree, states: xr.DataTree, asked: Query
) -> None:
    mass = states["bodies"]["mass"].values
    assert not np.isin(mass[:, :, :3], truth["bodies"]["mass"].values[:, :, :3]).any()
    for changes in ("gravity=-20%", "drag=50%", "energy=+30%", "vanish=50%"):
        found = _world(changes).simulated(asked)
        assert np.array_equal(found["bodies"]["mass"], mass, equal_nan=True)
        assert np.array_equal(found["bodies"]["position"][:, :, 0], states["bodies"]["position"]
                              [:, :, 0], equal_nan=True)


def test_truth_is_the_truth_itself(truth: xr.DataTree, asked: Query) -> None:
    dream = load_model("truth").rollout(asked)
    film = render(truth, "side", size=SIZE, fps=20)["rgb"].values[:, :, :21]
    assert np.array_equal(dream["video/side"]["rgb"], film)
    assert dream["realization"].values.tolist() == [0, 1] and dream.attrs["model"] == "truth"


def test_processes_are_passed_on(asked: Query) -> None:
    """What they do, and that they change nothing, `simulate` is tested for."""
    with pytest.raises(InputError, match="workers=0"):
        dataclasses.replace(_world(), workers=0).simulated(asked)


# Wrong physics, held to closed forms.


def test_drag_takes_a_share_of_speed_per_metre() -> None:
    """Of a ball, and of the centre of mass of a tumbling lump; v = v0 exp(-c s)."""
    lump = Body("lump", (Part(Shape.SPHERE, (0.1,), position=(0.2, 0.0, 0.0)),
                         Part(Shape.BOX, (0.1, 0.05, 0.02))), position=(0, 0, 5),
                velocity=(3.0, 1.0, 0.0), spin=(1.0, 2.0, 3.0))
    single = ball("ball", 0.1, (0, 0, 0), velocity=(3.0, 0.0, -4.0))
    bodies = _run(Physics(drag=0.3), single, lump, gravity=0.0)["/bodies"]
    speed = np.linalg.norm(bodies["velocity"].values.astype(float), axis=-1)
    steps = np.diff(bodies["position"].values.astype(float), axis=0)
    way = np.cumsum(np.linalg.norm(steps, axis=-1), axis=0)
    assert way[-1].min() > 1.5
    assert speed[1:] == pytest.approx(speed[0] * np.exp(-0.3 * way), rel=1e-5)
    assert speed[-1, 0] == pytest.approx(5 / (1 + 0.3 * 5), rel=1e-5)


def test_drag_ends_falling_at_the_terminal_speed_and_brakes_what_hangs_on_joints() -> None:
    falling = ball("ball", 0.1, (0, 0, 0))
    arm = Body("arm", (Part(Shape.SPHERE, (0.1,), position=(0.5, 0, 0)),), mass=2.0,
               position=(9.0, 0, 0), joint=Joint(Freedom.HINGE, axis=(0, 0, 1.0), speed=8.0))
    group = _run(Physics(drag=0.5), falling, arm, seconds=2.0)["/bodies"]
    terminal = math.sqrt(GRAVITY / 0.5)
    fallen = terminal * math.tanh(2.0 * GRAVITY / terminal)
    assert group["velocity"].values[-1, 0, 2] == pytest.approx(-fallen, rel=2e-3)
    # I dω/dt = -c m r³ ω², with I = m (r² + 2/5 R²).
    rate = 0.5 * 0.5**3 / (0.5**2 + 0.4 * 0.1**2)
    spin = group["angular_velocity"].values[-1, 1, 2]
    assert spin == pytest.approx(8.0 / (1 + rate * 8.0 * 2.0), rel=1e-3)


@pytest.mark.parametrize("overlap", [0.02, 0.1, 0.5])
def test_contact_comes_late_by_the_way_into_each_other(overlap: float) -> None:
    """The ball bounces with the speed of a fall by so much more, and rests so deep in the end."""
    floor_ = floor(material=Material(0.0, restitution=1.0))
    bouncy = ball("bouncy", 0.1, (0, 0, 0.9), material=Material(0.0, restitution=1.0))
    dull = ball("dull", 0.1, (2, 0, 0.9), material=Material(0.0))
    groups = _run(Physics(overlap=overlap), floor_, bouncy, dull, seconds=1.2)
    sunk = overlap * 0.2
    fall = math.sqrt(2 * (0.8 + sunk) / GRAVITY)
    times = groups["/contacts"]["time"].values[:2]
    assert times == pytest.approx([fall, fall], abs=2e-5)
    speed = math.sqrt(2 * GRAVITY * 0.8)
    late = times[0] - math.sqrt(2 * 0.8 / GRAVITY)
    assert late == pytest.approx(sunk / (speed + GRAVITY * late / 2), rel=5e-3)
    position = groups["/bodies"]["position"].values
    later = 1.2 - fall
    height = 0.1 - sunk + GRAVITY * fall * later - GRAVITY * later**2 / 2
    assert position[-1, 1, 2] == pytest.approx(height, abs=5e-4)
    assert position[-1, 2, 2] == pytest.approx(0.1 - sunk, abs=1e-5)
    assert groups["/audit"]["failure"].item() == Failure.NONE


def test_of_two_solids_the_smaller_says_how_far_they_sink() -> None:
    light = Material(restitution=1.0, friction=0.0)
    small = ball("small", 0.05, (0, 0, 0), velocity=(2.0, 0, 0), material=light)
    large = ball("large", 0.2, (1.0, 0, 0), material=light)
    groups = _run(Physics(overlap=0.3), small, large, gravity=0.0)
    meeting = (1.0 - 0.25 + 0.3 * 0.1) / 2.0
    assert groups["/contacts"]["time"].values[0] == pytest.approx(meeting, abs=1e-5)


@pytest.mark.parametrize("rate", [0.5, -0.5])
def test_kinetic_energy_grows_or_leaks_at_its_rate(rate: float) -> None:
    """And that this is meant does not count as a failure."""
    tumbling = Body("box", (Part(Shape.BOX, (0.1, 0.05, 0.02)),), velocity=(3.0, 1.0, 0.0),
                    spin=(1.0, 2.0, 3.0))
    swing = Body("swing", (Part(Shape.BOX, (0.1, 0.05, 0.3)),), position=(5.0, 0, 0),
                 joint=Joint(Freedom.HINGE, axis=(0, 1.0, 0), speed=2.0))
    groups = _run(Physics(energy=rate), tumbling, swing, gravity=0.0)
    kinetic = groups["/energy"]["kinetic"].values
    time = np.arange(121) / 120
    assert kinetic == pytest.approx(kinetic[0] * np.exp(rate * time), rel=1e-6)
    spin = groups["/bodies"]["angular_velocity"].values[-1, 1, 1]
    assert spin == pytest.approx(2.0 * math.exp(rate / 2), rel=1e-5)
    assert groups["/audit"]["failure"].item() == Failure.NONE
    driven = _run(Physics(energy=rate), floor(), ball("ball", 0.1, (0, 0, 2)))
    assert driven["/audit"]["failure"].item() == Failure.NONE


# Flaws befall objects in the same way at every share.


def test_whom_a_flaw_befalls_stays_befallen_at_every_greater_share() -> None:
    members = [(3, case, realization) for case in range(20) for realization in range(10)]
    before: dict[tuple[int, ...], object] = {}
    counts = []
    for share in RUNGS:
        found = {(*member, body): befallen("vanish", share, member, body, range(10, 90))
                 for member in members for body in range(5)}
        hit = {key: one for key, one in found.items() if one is not None}
        assert {key: hit[key] for key in before} == before
        before = hit
        counts.append(len(hit))
    # Of 1000 objects; four standard deviations of a binomial number.
    assert np.all(np.abs(np.array(counts) - 1000 * RUNGS) < 4 * np.sqrt(1000 * RUNGS))
    at = np.array([one.state for one in hit.values()])
    assert at.min() >= 10 and at.max() < 90 and abs(at.mean() - 49.5) < 4
    assert befallen("vanish", 1.0, (3, 0, 0), 0, range(0)) is None
    other = [befallen("merge", 0.5, member, 0, range(10, 90)) is None for member in members]
    assert other != [befallen("vanish", 0.5, member, 0, range(10, 90)) is None
                     for member in members]


def _edited(states: xr.DataTree, known_until: float = 0.15, **flaws: float) -> xr.DataTree:
    picture = Picture(camera_of(states, "side"), SIZE)
    return with_flawed_objects(states, Flaws(**flaws), picture, known_until, last=1.0)


def test_what_teleports_jumps_once_within_the_picture_and_goes_on(states: xr.DataTree) -> None:
    before = states["bodies"]["position"].values[:, :, :, :3].astype(float)
    after = _edited(states, teleport=1.0)["bodies"]["position"].values[:, :, :, :3]
    moved = after - before
    camera = camera_of(states, "side")
    assert (moved[:, :, :19] == 0).all()  # up to and with the state at 0.15 s
    instants_ = set()
    for at in np.ndindex(2, 2, 3):
        way = moved[at[0], at[1], :, at[2]]
        length = np.linalg.norm(way, axis=1)
        first = int(np.argmax(length > 0))
        assert 19 <= first <= 120
        assert length[first:] == pytest.approx(JUMP * camera.height_m, rel=1e-5)
        assert np.ptp(way[first:], axis=0).max() < 1e-5 and abs(way[first] @ camera.basis[2]) < 1e-6
        row, column, _ = camera.project(after[at[0], at[1], first:121, at[2]], SIZE)
        assert row.min() > 0 and row.max() < 32 and column.min() > 0 and column.max() < 32
        instants_.add(first)
    assert len(instants_) > 6
    some = _edited(states, teleport=0.5)["bodies"]["position"].values[:, :, :, :3]
    same = (some == after).all(axis=(2, 4))
    assert (same | (some == before.astype(np.float32)).all(axis=(2, 4))).all()
    assert 0 < same.sum() < same.size


def test_what_vanishes_is_gone_from_states_and_picture(
    states: xr.DataTree, asked: Query, right: np.ndarray
) -> None:
    before = states["bodies"]["position"].values
    after = _edited(states, vanish=1.0)["bodies"]["position"].values
    gone = np.isnan(after[:, :, :, :3, 0])
    assert not gone[:, :, :19].any() and gone[:, :, 120].all()
    assert (np.diff(gone.astype(int), axis=2) >= 0).all()
    assert np.array_equal(after[:, :, :, 3:], before[:, :, :, 3:], equal_nan=True)
    assert np.array_equal(after[:, :, :, :3][~gone], before[:, :, :, :3][~gone])
    empty = states.copy()
    parts = states["parts"].to_dataset(inherit=False)
    empty["parts"] = xr.DataTree(parts.assign(present=parts["present"] & ~parts["tracked"]))
    film = _video(_world("vanish=100%"), states, asked)
    assert np.array_equal(film[:, :, 20], _video(_world(), empty, asked)[:, :, 20])
    assert not np.array_equal(film[:, :, 20], right[:, :, 20])


def test_what_merges_takes_the_place_of_its_nearest_neighbour(states: xr.DataTree) -> None:
    before = states["bodies"]["position"].values
    after = _edited(states, merge=0.5)["bodies"]["position"].values
    mergers = 0
    for i, j in np.ndindex(2, 2):
        hit = [body for body in range(3)
               if befallen("merge", 0.5, (7, i, int(states["realization"][j])), body,
                           range(19, 121))]
        for body in range(3):
            changed = np.any(after[i, j, :, body] != before[i, j, :, body], axis=1)
            assert changed.any() == (body in hit)
            if not changed.any():
                continue
            first = int(np.argmax(changed))
            others = [k for k in range(3) if k != body]
            away = np.linalg.norm(before[i, j, first, others] - before[i, j, first, body], axis=1)
            other = others[int(np.argmin(away))]
            assert np.array_equal(after[i, j, first:, body], after[i, j, first:, other])
            mergers += 1
    assert mergers >= 3


def test_all_merged_become_one_and_stay_together(states: xr.DataTree) -> None:
    """Even where each takes the place of the other."""
    two = simulate(FreeFall(count=2), cases=3, seed=1, duration=1.1)
    place = _edited(two, merge=1.0)["bodies"]["position"].values[:, 0, :, :2]
    together = (place[:, :, 0] == place[:, :, 1]).all(axis=-1)
    assert together[:, 120].all() and (np.diff(together.astype(int), axis=1) >= 0).all()
    one = simulate(FreeFall(count=1), seed=1, duration=1.1)
    same = _edited(one, merge=1.0)["bodies"]["position"]
    assert np.array_equal(same, one["bodies"]["position"], equal_nan=True)


def test_what_hangs_together_goes_together() -> None:
    """Of a double pendulum the lower ball follows the upper one, not the other way round; the
    carriages that only carry discs go with them."""
    double = simulate(DoublePendulum(), seed=2, duration=0.5)
    (objects,) = objects_of(double)
    upper, lower = sorted(objects, key=lambda one: -len(one.together))
    assert set(upper.together) == {upper.body, lower.body} and lower.together == (lower.body,)
    merged = _edited(double, merge=1.0)["bodies"]["position"].values[0, 0]
    before = double["bodies"]["position"].values[0, 0]
    assert np.array_equal(merged[:, upper.body], before[:, upper.body])
    assert np.array_equal(merged[-1, lower.body], before[-1, upper.body])
    (discs,) = objects_of(simulate(Collision(shape="discs"), seed=2, duration=0.1))
    assert [one.together for one in discs] == [(0, 1), (2, 3)]


# Flaws of the film.


@pytest.mark.parametrize("flaw", ["frozen", "backwards"])
def test_films_stand_still_or_turn_back_by_any_small_share(flaw: str) -> None:
    ends = [instants(Flaws(**{flaw: share}), 10, 2)[-1] for share in (0, *RUNGS)]
    factor = 1 if flaw == "frozen" else 2
    assert ends == pytest.approx([9 * (1 - factor * share) for share in (0, *RUNGS)])
    every = instants(Flaws(**{flaw: 1.0}), 10, 4)
    back = [3] * 6 if flaw == "frozen" else [2, 1, 0, 0, 0, 0]
    assert every.tolist() == [0, 1, 2, 3, *back]
    both = instants(Flaws(frozen=0.25, backwards=0.5), 9, 1)
    assert both.tolist() == [0, 1, 2, 3, 4, 3, 2, 2, 2]


def test_the_frozen_and_the_turned_film_show_what_was_seen_before(
    states: xr.DataTree, asked: Query, right: np.ndarray
) -> None:
    still = _video(_world("frozen=50%"), states, asked)
    turned = _video(_world("backwards=50%"), states, asked)
    assert np.array_equal(still[:, :, :11], right[:, :, :11])
    assert (still[:, :, 10:] == right[:, :, 10:11]).all()
    assert np.array_equal(turned[:, :, :11], right[:, :, :11])
    assert np.array_equal(turned[:, :, 10:], right[:, :, 10::-1])
    assert not np.array_equal(right[:, :, 20], right[:, :, 10])
    time = _world("frozen=7%").filmed(states, asked)["video/side"]["time"].values
    assert time == pytest.approx(np.arange(21) / 20)


def test_blur_has_the_width_it_says_however_small() -> None:
    spot = np.zeros((1, 64, 64, 3), dtype=np.uint8)
    spot[0, 20:44, 20:44] = 240
    row = np.arange(64) - 31.5
    for share, rounding in ((0.04, 0.3), (0.1, 0.1), (0.3, 0.1)):
        film = blurred(spot, share)[0, ..., 0].astype(float)
        wider = (film * row[:, None] ** 2).sum() / film.sum() - (24**2 - 1) / 12
        assert wider == pytest.approx((share * 6.4) ** 2, rel=rounding)
        assert film.sum() == pytest.approx(spot[..., 0].sum(dtype=float), rel=2e-3)
    noise = np.random.default_rng(0).integers(0, 256, (1, 64, 64, 3), dtype=np.uint8)
    usual = ndimage.gaussian_filter(noise[0].astype(float), (3.2, 3.2, 0), mode="nearest")
    assert np.abs(blurred(noise, 0.5)[0] - usual).max() < 1.5
    changes = [np.abs(blurred(noise, share).astype(float) - noise).mean() for share in RUNGS]
    assert changes[0] > 0.5 and (np.diff(changes) > 0).all()


@pytest.mark.parametrize(
    "flaw", ["teleport", "vanish", "merge", "blur", "frozen", "backwards"]
)
def test_known_frames_stay_and_damage_grows(
    flaw: str, states: xr.DataTree, asked: Query, right: np.ndarray
) -> None:
    damage = []
    for share in (0.1, 0.5, 1.0):
        film = _video(_world(f"{flaw}={share}"), states, asked).astype(float)
        assert np.array_equal(film[:, :, :CONTEXT], right[:, :, :CONTEXT])
        damage.append(np.abs(film - right).mean())
    assert damage[1] > 0 and damage[2] > damage[1] >= damage[0]


def test_flaws_add_up(states: xr.DataTree, asked: Query, right: np.ndarray) -> None:
    """To each other, and to wrong physics."""
    both = _world("vanish=100%,blur=10%")
    film = _video(both, states, asked)
    empty = _video(_world("vanish=100%"), states, asked)
    assert np.array_equal(film[:, :, CONTEXT:], blurred(empty[:, :, CONTEXT:], 0.1))
    wrong = _world("gravity=-50%,vanish=100%")
    rollout = wrong.rollout(asked)
    place = rollout["bodies"]["position"].values[:, :, :, :3, 2]
    right_ = states["bodies"]["position"].values[:, :, :, :3, 2]
    # 0.15 s after its release what falls freely has fallen half as far.
    fallen, usual = place[:, :, 0] - place[:, :, 18], right_[:, :, 0] - right_[:, :, 18]
    assert fallen == pytest.approx(usual / 2, rel=1e-3)
    assert np.isnan(place[:, :, 120]).all()


def test_states_of_something_else_are_not_filmed(states: xr.DataTree, asked: Query) -> None:
    with pytest.raises(InputError, match=r"states of physics .* simulate the query"):
        _world("gravity=-20%").filmed(states, asked)
    with pytest.raises(InputError, match="states of realizations"):
        _world().filmed(states, dataclasses.replace(asked, seed=5))
    with pytest.raises(InputError, match="states of realizations"):
        load_model("truth").filmed(states, asked)  # type: ignore[attr-defined]


def test_loose_debris_in_water_jumps_and_vanishes() -> None:
    truth = simulate(DamBreakBlock(), seed=3, duration=0.6)
    asked = query(DamBreakBlock(), context=truth, frames=2)
    states = _world().simulated(asked)
    (block,) = objects_of(states)[0]
    right_ = _world().filmed(states, asked)
    gone = _world("vanish=100%").filmed(states, asked)
    jumped = _world("teleport=100%").filmed(states, asked)
    place = {name: one["bodies"]["position"].values[0, 0, :, block.body]
             for name, one in (("right", right_), ("gone", gone), ("jumped", jumped))}
    assert np.isnan(place["gone"][5]).all() and np.isfinite(place["gone"][:2]).all()
    camera = camera_of(states, "overhead")
    moved = place["jumped"][5] - place["right"][5]
    assert np.linalg.norm(moved) == pytest.approx(JUMP * camera.height_m * 96 / 64, rel=1e-4)
    assert abs(moved[2]) < 1e-4
    films = [one["video/overhead"]["rgb"].values for one in (right_, gone, jumped)]
    assert np.array_equal(films[0][:, :, :2], films[1][:, :, :2])
    assert not np.array_equal(films[0][:, :, 5], films[1][:, :, 5])
    assert not np.array_equal(films[1][:, :, 5], films[2][:, :, 5])
