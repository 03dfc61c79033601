"""Runs of rigid bodies: what is recorded, hidden, wrong on purpose, refused, marked as failed."""

import json
import math

import numpy as np
import pytest
import xarray as xr

from tests.machine_runs import run
from worldsim import InputError
from worldsim.mechanics import (
    Backdrop,
    Body,
    Freedom,
    Joint,
    Kick,
    Link,
    Look,
    Material,
    MechanicalHidden,
    MechanicalScene,
    Part,
    Role,
    Shape,
    ball,
    block,
    fixture,
    floor,
)
from worldsim.models.simulated import SimulatedWorld
from worldsim.simulator.audit_record import failed_members
from worldsim.simulator.constants import GRAVITY
from worldsim.simulator.mechanics.audit import Failure
from worldsim.simulator.mechanics.run import mechanical_states
from worldsim.simulator.scene import Physics

BOUNCY = Material(0.3, restitution=0.7)


def _states(
    scenes: list[MechanicalScene], hidden: list[list[MechanicalHidden]], seconds: float,
    physics: Physics | None = None, workers: int = 1,
) -> dict[str, xr.Dataset]:
    return mechanical_states(scenes, hidden, round(120 * seconds), physics or Physics(),
                             threads=1, workers=workers, progress=None)


def _meeting(balls: int) -> MechanicalScene:
    """Balls that fall beside and onto each other, on a floor."""
    falling = [
        ball(f"ball {k}", 0.1, (0.13 * k, 0.02 * k, 0.2 + 0.22 * k), material=BOUNCY)
        for k in range(balls)
    ]
    return MechanicalScene((floor(material=BOUNCY), *falling), {})


def test_members_do_not_depend_on_each_other_nor_on_the_processes() -> None:
    """Cases of different sizes, bit for bit; what a case lacks is absent."""
    scenes = [_meeting(3), _meeting(1)]
    draws = [[MechanicalHidden(), MechanicalHidden(friction=np.full(len(s.bodies), 1.3))]
             for s in scenes]
    together = _states(scenes, draws, 0.5)
    shared = _states(scenes, draws, 0.5, workers=2)
    for name, group in together.items():
        xr.testing.assert_identical(group, shared[name])
    for case in range(2):
        for r in range(2):
            alone = _states([scenes[case]], [[draws[case][r]]], 0.5)
            bodies = len(scenes[case].bodies)
            for quantity in ("position", "quaternion", "velocity", "angular_velocity"):
                np.testing.assert_array_equal(
                    together["/bodies"][quantity].values[case, r, :, :bodies],
                    alone["/bodies"][quantity].values[0, 0],
                )
            np.testing.assert_array_equal(together["/energy"]["total"].values[case, r],
                                          alone["/energy"]["total"].values[0, 0])
    found = together["/bodies"]
    assert found["present"].values.tolist() == [[True] * 4, [True, True, False, False]]
    assert json.loads(found.attrs["names"])[1] == ["floor", "ball 0"]
    assert np.isnan(found["position"].values[1, :, :, 2:]).all()
    assert not np.isnan(found["position"].values[0]).any()


def test_places_of_parts_and_links_are_from_the_centre_of_mass() -> None:
    """A hammer: its parts and the end of a link are where its axes put them."""
    heads = (Part(Shape.SPHERE, (0.1,), position=(0.0, 0.0, 0.5)),
             Part(Shape.SPHERE, (0.05,), position=(0.0, 0.0, -0.5)),
             Part(Shape.CYLINDER, (0.01, 0.5), collides=False, tracked=False))
    turn = (np.cos(0.4), np.sin(0.4), 0.0, 0.0)
    hammer = Body("hammer", heads, (1.0, 2.0, 3.0), turn, mass=3.0)
    link = Link((None, "hammer"), ((1.0, 2.0, 4.0), (0.0, 0.0, 0.5)), 0.01)
    scene = MechanicalScene((hammer,), {}, links=(link,))
    groups = _states([scene], [[MechanicalHidden()]], 0.1)
    parts, bodies, links = groups["/parts"], groups["/bodies"], groups["/links"]
    centre = bodies["position"].values[0, 0, 0, 0]
    # By volume: 8 parts of 9 in the larger head; rods that touch nothing weigh nothing.
    along = np.array([0.0, -np.sin(0.8), np.cos(0.8)])
    np.testing.assert_allclose(centre, [1.0, 2.0, 3.0] + (0.5 * 8 - 0.5) / 9 * along, atol=1e-6)
    up = parts["offset"].values[0, :, 2]
    np.testing.assert_allclose(up - up[2], [0.5, -0.5, 0.0], atol=1e-12)
    assert links["points"].values[0, 0, 1, 2] == pytest.approx(up[0])
    assert links["bodies"].values[0, 0].tolist() == [-1, 0]
    assert parts["collides"].values[0].tolist() == [True, True, False]
    assert bodies["mass"].values[0, 0, 0] == pytest.approx(3.0)


def test_velocities_are_those_of_positions() -> None:
    """Of centres of mass, also where the axes have their origin elsewhere."""
    club = Body(
        "club", (Part(Shape.BOX, (0.05, 0.05, 0.3), position=(0.1, 0.0, 0.2)),), (0.0, 0.0, 1.0),
        spin=(3.0, 5.0, 1.0), velocity=(1.0, 0.0, 2.0),
    )
    found = run(MechanicalScene((club,), {}), 0.5)
    place, speed = found.of("club", "position").astype(float), found.of("club", "velocity")
    middle = (place[2:] - place[:-2]) * 60
    assert np.abs(middle - speed[1:-1]).max() < 1e-3


def test_hidden_factors_count() -> None:
    """Mass by what a push does, friction by the way of sliding, restitution by the rebound."""
    slider = block("slider", (0.1, 0.1, 0.1), (0, 0, 0.1), velocity=(1.0, 0, 0),
                   material=Material(0.5))
    dropped = ball("dropped", 0.1, (5.0, 0.0, 0.6), material=Material(0.0, restitution=0.8), mass=2)
    scene = MechanicalScene((floor(material=Material(0.0, restitution=1.0)), slider, dropped), {})
    hidden = MechanicalHidden(
        mass=np.array([1.0, 1.0, 1.5]), friction=np.array([1.0, 0.6, 1.0]),
        restitution=np.array([1.0, 1.0, 0.5]), velocity=np.array([[0.0] * 3, [0.5, 0, 0], [0] * 3]),
    )
    found = run(scene, 0.6, hidden)
    # 1.5 m/s against friction 0.3 for 0.6 s that do not suffice; and 0.5 m down, 0.4² of it up.
    slowed = 1.5 - found.of("slider", "velocity")[60, 0]
    assert slowed == pytest.approx(0.3 * GRAVITY * 0.5, rel=2e-3)
    landed = int(np.argmin(found.of("dropped", "position")[:50, 2]))
    assert found.of("dropped", "position")[landed:, 2].max() - 0.1 == pytest.approx(0.08, rel=5e-3)
    assert found.groups["/bodies"]["mass"].values[2] == pytest.approx(3.0)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("mujoco:gravity=-20%", {"time": 1 / np.sqrt(0.8)}),
        ("mujoco:restitution=-20%", {"bounce": 0.8}),
        ("mujoco:friction=-20%", {"slowed": 0.8}),
        ("mujoco:mass=+50%", {"mass": 1.5}),
    ],
)
def test_wrong_worlds_are_wrong_by_what_they_say(name: str, expected: dict[str, float]) -> None:
    """A ball bounces, the second object slides; each of four numbers changes as told or not."""
    bodies = (
        floor(material=Material(0.0, restitution=1.0)),
        ball("ball", 0.1, (0.0, 0.0, 0.8), material=Material(0.0, restitution=0.6)),
        block("slider", (0.1, 0.1, 0.1), (3.0, 0.0, 0.1), velocity=(3.0, 0, 0),
              material=Material(0.4)),
    )
    groups = _states([MechanicalScene(bodies, {})], [[MechanicalHidden()]], 0.7,
                     SimulatedWorld.from_name(name).physics)
    events = groups["/contacts"].isel(case=0, realization=0)
    first = np.flatnonzero((events["body_a"] == 0) & (events["body_b"] == 1))[0]
    fall, approach = float(events["time"][first]), float(events["approach"][first])
    bounce = float(events["impulse"][first]) / approach - 1
    gravity = GRAVITY * (0.8 if "time" in expected else 1.0)
    speed = groups["/bodies"]["velocity"].values[0, 0, 48, 2, 0]
    found = {
        "time": fall / np.sqrt(2 * 0.7 / GRAVITY),
        "bounce": bounce / 0.6,
        "slowed": (3.0 - speed) / (0.4 * gravity * 0.4),
        "mass": groups["/bodies"]["mass"].values[0, 0, 2],
    }
    for quantity, value in found.items():
        assert value == pytest.approx(expected.get(quantity, 1.0), rel=0.01), quantity


def test_failed_members_are_kept_marked_and_named() -> None:
    """One flies out of the world, one is too fast for a thin wall; the third is sound."""
    wall = fixture("wall", [Part(Shape.BOX, (0.01, 1.0, 1.0))], (2.0, 0.0, 0.0))
    scenes = [
        MechanicalScene((wall, ball("ball", 0.1, (0, 0, 0), velocity=(speed, 0.0, 0.0))), {})
        for speed in (-5000.0, 70.0, 1.0)
    ]
    draws = [[MechanicalHidden()]] * 3
    groups = _states(scenes, draws, 0.5)
    audit = groups["/audit"]
    assert audit["failure"].values.ravel().tolist() == [
        Failure.DIVERGED, Failure.PENETRATION, Failure.NONE
    ]
    assert audit["failed"].values.ravel().tolist() == [True, True, False]
    kept = groups["/bodies"]["position"].values[0, 0, :, 1]
    assert np.isfinite(kept).all() and (kept[-1] == kept[30]).all()
    root = xr.Dataset(coords={"case": [4, 5, 6], "realization": [0]})
    lines = failed_members(xr.DataTree.from_dict({"/": root, **groups}))
    assert len(lines) == 2
    assert lines[0].startswith("case 4, realization 0: ") and "flew away at 0.2" in lines[0]
    assert "limit" in lines[1]


def test_energy_that_comes_from_nowhere_is_found() -> None:
    """A slide whose damper drives instead of braking."""
    driven = Body("it", (Part(Shape.BOX, (0.1, 0.1, 0.1)),), joint=Joint(
        Freedom.SLIDE, axis=(1.0, 0.0, 0.0), speed=1.0, damping=-0.5))
    groups = _states([MechanicalScene((driven,), {})], [[MechanicalHidden()]], 0.5)
    assert groups["/audit"]["failure"].item() == Failure.ENERGY
    assert groups["/audit"]["energy_gain"].item() == pytest.approx(1 - np.exp(-0.5), rel=0.01)


@pytest.mark.parametrize(
    ("bodies", "message"),
    [
        ((ball("a", 0.1, (0, 0, 0)), ball("b", 0.1, (0.15, 0, 0))),
         r"'a' and 'b' begin 0\.05 m inside each other; at most 0\.002 m"),
        ((floor(), block("sunk", (0.1, 0.1, 0.1), (0, 0, 0.05))),
         r"'floor' and 'sunk' begin 0\.05"),
        ((Body("sheet", (Part(Shape.PLANE),)),), "'sheet' has a plane and can move"),
        ((ball("lost", 0.1, (2e3, 0, 0)),), "'lost' begins at"),
        ((ball("odd", 0.1, (0, 0, 0), quaternion=(0.0, 0.0, 0.0, 0.0)),), "'odd' has a quaternion"),
    ],
)
def test_scenes_that_cannot_be_are_refused(bodies: tuple[Body, ...], message: str) -> None:
    with pytest.raises(InputError, match=message):
        run(MechanicalScene(bodies, {}), 0.1)


@pytest.mark.parametrize(
    ("kind", "fields", "message"),
    [
        (Look, {"colour": (300, 0, 0)}, r"colour \(300, 0, 0\): give three whole numbers"),
        (Look, {"second": (0.5, 0, 0)}, "three whole numbers"),
        (Look, {"field": 0.0}, "field=0 m"),
        (Joint, {"stiffness": -1.0}, "stiffness=-1"),
        (Joint, {"damping": math.nan}, "damping=nan"),
        (Joint, {"limits": (1.0, 0.0)}, "the lower one first"),
        (Link, {"bodies": (None, None), "points": ((0, 0, 0), (1, 0, 0)), "radius": 0.0},
         "radius=0 m"),
        (Backdrop, {"sun": (0.0, 0.0, 0.0)}, "give a direction"),
        (MechanicalScene, {"bodies": (), "cameras": {}, "air": (-1.0, 0.0)}, "0 or more"),
        (MechanicalScene, {"bodies": (ball("b", 0.1, (0, 0, 0)),), "cameras": {},
                           "kicks": (Kick(math.nan, "b"),)}, "give finite numbers"),
        (Body, {"name": "b", "parts": (Part(Shape.SPHERE, (0.1,)),),
                "velocity": (math.nan, 0.0, 0.0)}, "give finite numbers"),
    ],
)
def test_what_cannot_be_declared_is_refused(kind: type, fields: dict, message: str) -> None:
    with pytest.raises(InputError, match=message):
        kind(**fields)


@pytest.mark.parametrize(
    ("draw", "message"),
    [
        ({"mass": np.ones(2)}, r"hidden mass of shape \(2,\): give \(1,\)"),
        ({"mass": np.zeros(1)}, "hidden mass=0: give factors greater than 0"),
        ({"friction": -np.ones(1)}, "hidden friction=-1: give factors of 0 or more"),
        ({"velocity": np.full((1, 3), np.nan)}, "hidden velocity is not finite"),
    ],
)
def test_hidden_draws_that_do_not_fit_the_scene_are_refused(draw: dict, message: str) -> None:
    scene = MechanicalScene((ball("b", 0.1, (0.0, 0.0, 1.0)),), {})
    with pytest.raises(InputError, match=message):
        _states([scene], [[MechanicalHidden(**draw)]], 0.1)


def test_scenes_of_nothing_of_one_thing_and_of_many_states() -> None:
    for bodies in ((), (floor(),)):
        groups = _states([MechanicalScene(bodies, {})], [[MechanicalHidden()]], 0.1)
        assert groups["/bodies"]["present"].values.sum() == len(bodies)
        assert not groups["/audit"]["failed"].any()
    distractor = ball("still", 0.1, (0.0, 0.0, 1.0), role=Role.DISTRACTOR, joint=None)
    swing = Body("swing", (Part(Shape.SPHERE, (0.1,), position=(0.0, 0.0, -1.0)),),
                 joint=Joint(Freedom.HINGE, axis=(0.0, 1.0, 0.0), speed=1.0))
    scene = MechanicalScene((distractor, swing), {}, step=1 / 240)
    groups = _states([scene], [[MechanicalHidden()]], 10_000 / 120)
    assert groups["/energy"].sizes["time"] == 10_001
    assert np.ptp(groups["/energy"]["total"].values) < 1e-6
    assert groups["/bodies"]["role"].values.tolist() == [[1, 0]]
    place = groups["/bodies"]["position"].values[0, 0, :, 0]
    assert np.abs(place - place[0]).max() == 0


def test_more_events_than_are_listed_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("worldsim.simulator.mechanics.contacts.EVENTS_AT_MOST", 2)
    elastic = Material(0.0, restitution=1.0)
    scene = MechanicalScene(
        (floor(material=elastic), ball("ball", 0.1, (0.0, 0.0, 0.3), material=elastic)), {}
    )
    contacts = _states([scene], [[MechanicalHidden()]], 1.5)["/contacts"]
    assert contacts["count"].item() == 4 and contacts.sizes["event"] == 2
