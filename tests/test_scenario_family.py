"""What holds for every scenario, whatever it is about."""

import string
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from worldsim.camera import Camera, render
from worldsim.scenario import Parameter, Scenario, list_scenarios, scenario_class
from worldsim.seeding import VISIBLE, stream
from worldsim.simulator.mechanics.bodies import Role
from worldsim.simulator.mechanics.scene import MechanicalScene
from worldsim.simulator.world import simulate

COAST = ("dam_break_block", "floating", "town", "tsunami")
"""Scenarios on the coast's simulator: a second of them takes longer, and has tests of its own."""

MECHANICAL = [name for name in list_scenarios() if name not in COAST]

FAMILY = list_scenarios()

SHORT = 0.2
"""s"""

LEAST_ACROSS = {"granular_pour": 2.9, "dominoes": 3.9}
"""Pixels that the smallest object takes of 64, where it is not 5: grains, and the ball that sets
the dominoes going."""


def values_of(spec: Parameter) -> st.SearchStrategy:
    """Any value in the physical range."""
    if spec.choices:
        return st.sampled_from(spec.choices)
    low, high = spec.physical
    if spec.whole:
        return st.integers(int(np.ceil(low)), int(np.floor(high))).map(float)
    return st.floats(low, high)


def any_of(cls: type[Scenario]) -> st.SearchStrategy:
    """A scenario with all its parameters anywhere in their physical ranges."""
    table = {name: values_of(spec) for name, spec in cls.parameters().items()}
    return st.fixed_dictionaries(table).map(lambda values: cls(**values))


def sampled(name: str, case: int = 0) -> Scenario:
    """A scenario of the training range."""
    return scenario_class(name).sample(stream(7, case, VISIBLE, "parameters"))


@pytest.mark.parametrize("name", MECHANICAL)
@settings(
    deadline=None, max_examples=3, phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(data=st.data())
def test_any_parameters_and_seed_build_step_and_render(name, data, one_thread):
    scenario = data.draw(any_of(scenario_class(name)))
    seed, case = data.draw(st.integers(0, 2**31)), data.draw(st.integers(0, 1000))
    rollout = simulate(scenario, seed=seed, case_numbers=[case], duration=SHORT, threads=1)
    assert not rollout["audit"]["failed"].values.any()
    bodies = rollout["bodies"]
    there = bodies["present"].values[0]
    for variable in ("position", "quaternion", "velocity", "angular_velocity"):
        assert np.isfinite(bodies[variable].values[0, 0][:, there]).all()
    norm = np.linalg.norm(bodies["quaternion"].values[0, 0][:, there], axis=-1)
    np.testing.assert_allclose(norm, 1.0, atol=1e-5)
    for camera in scenario.film_cameras:
        video = render(rollout, camera, size=(32, 32), fps=10)["rgb"].values
        assert video.shape == (1, 1, 2, 32, 32, 3)
        assert video.std() > 0


@pytest.mark.parametrize("name", MECHANICAL)
def test_a_member_in_a_batch_is_the_member_alone(name):
    scenarios = [sampled(name, case) for case in range(3)]
    batch = simulate(scenarios, realizations=2, seed=5, duration=SHORT)
    alone = simulate(
        scenarios[2], seed=5, case_numbers=[2], first_realization=1, duration=SHORT, threads=1
    )
    number = int(alone["bodies"]["present"].values.sum())
    for variable in ("position", "quaternion", "velocity", "angular_velocity"):
        one = batch["bodies"][variable].values[2, 1][:, :number]
        assert np.array_equal(one, alone["bodies"][variable].values[0, 0][:, :number])
    np.testing.assert_array_equal(
        batch["energy"]["total"].values[2, 1], alone["energy"]["total"].values[0, 0]
    )


@pytest.mark.parametrize("name", MECHANICAL)
def test_realizations_share_what_is_seen_and_cases_do_not(name):
    scenario = sampled(name)
    scenes = [scenario.scene(3, case) for case in range(6)]
    assert scenes[0] == scenario.scene(3, 0)
    assert any(scene.bodies != scenes[0].bodies for scene in scenes[1:])
    assert len({repr(scene.backdrop) for scene in scenes}) > 1
    first = simulate(scenario, realizations=2, seed=3, duration=SHORT, threads=1)
    place = first["bodies"]["position"].values[0, :, 0]
    np.testing.assert_array_equal(place[0], place[1])
    picture = render(first, scenario.film_cameras[0], size=(24, 24), fps=10, times=[0.0])["rgb"]
    np.testing.assert_array_equal(picture.values[0, 0], picture.values[0, 1])


@pytest.mark.parametrize("name", MECHANICAL)
def test_what_is_asked_about_can_be_told_from_all_that_is_not(name):
    """Objects are saturated, the rest is dull; nothing else bears an object's colour."""
    for case in range(4):
        scene = sampled(name, case).scene(11, case)
        objects, rest = set(), set()
        for body in scene.bodies:
            for part in body.parts:
                tracked = body.role is Role.OBJECT and part.tracked
                (objects if tracked else rest if body.role is not Role.OBJECT else set()).add(
                    part.look.colour
                )
        assert objects
        for colour in objects:
            assert max(colour) - min(colour) > 80, colour
        for colour in rest:
            assert max(colour) - min(colour) < 60, colour


@pytest.mark.parametrize("name", MECHANICAL)
def test_distractors_touch_nothing(name):
    for case in range(4):
        scene = sampled(name, case).scene(2, case)
        for body in scene.bodies:
            if body.role is Role.DISTRACTOR:
                assert not any(part.collides for part in body.parts)
                assert not any(part.tracked for part in body.parts)


@pytest.mark.parametrize("name", MECHANICAL)
def test_every_actor_is_seen_at_the_start_and_large_enough(name):
    cls = scenario_class(name)
    for case in range(4):
        scenario = sampled(name, case)
        scene = scenario.scene(4, case)
        assert isinstance(scene, MechanicalScene)
        rollout = simulate(scenario, seed=4, case_numbers=[case], duration=0.1, threads=1)
        camera = Camera.from_json(_cameras(rollout)[cls.film_cameras[0]])
        parts = rollout["parts"].isel(case=0)
        position = rollout["bodies"]["position"].values[0, 0, 0]
        for part in np.flatnonzero(parts["present"].values & parts["tracked"].values):
            body = int(parts["body"].values[part])
            if rollout["bodies"]["role"].values[0, body] != list(Role).index(Role.OBJECT):
                continue
            row, column, _ = camera.project(position[body], (64, 64))
            largest = float(np.nanmax(parts["size"].values[part]))
            across = 2 * largest * camera.pixels_per_metre(position[body], (64, 64))
            assert across >= LEAST_ACROSS.get(name, 5.0)
            assert -2 <= row <= 66 and -2 <= column <= 66


def _cameras(rollout) -> dict[str, str]:
    from worldsim.camera.states import stored_cameras

    return stored_cameras(rollout)


@pytest.mark.parametrize("name", MECHANICAL)
def test_cameras_are_two_or_more_and_one_for_all_cases(name):
    cls = scenario_class(name)
    scenes = [sampled(name, case).scene(case, case) for case in range(4)]
    cameras = scenes[0].cameras
    assert {"side", "corner"} <= set(cameras)
    assert set(cls.film_cameras) <= set(cameras) and len(cls.film_cameras) >= 2
    assert all(key == camera.name for key, camera in cameras.items())
    assert all(scene.cameras == cameras for scene in scenes[1:])
    assert cameras["side"].projection == "orthographic"
    assert cameras["corner"].projection == "perspective"


@pytest.mark.parametrize("name", FAMILY)
def test_captions_are_several_filled_and_unlike(name):
    cls = scenario_class(name)
    texts = sampled(name).captions()
    assert len(texts) >= 4
    assert len(set(texts)) == len(texts)
    assert not any("{" in text or "}" in text for text in texts)
    fields = [
        {field for _, field, _, _ in string.Formatter().parse(text) if field}
        for text in cls.phrasings
    ]
    assert set().union(*fields) <= set(cls.parameters())
    assert any(fields)
    # Of two scenarios of different parameters some caption differs.
    assert sampled(name, 1).captions() != texts


@pytest.mark.parametrize("name", FAMILY)
def test_observables_and_closed_forms_are_named(name):
    cls = scenario_class(name)
    assert cls.observables
    for observable in cls.observables:
        assert observable.name.isidentifier() and observable.unit and observable.meaning
    assert len({observable.name for observable in cls.observables}) == len(cls.observables)
    assert cls.checks
    for check in cls.checks:
        assert check.name and check.formula and check.source
        assert 0 <= check.tolerance < 1  # 0: what is true or not
    assert cls.leaves_out and cls.summary and cls.__doc__
    assert "hidden" in cls.__doc__.lower() and "visible" in cls.__doc__.lower()


@pytest.mark.parametrize("name", [name for name in FAMILY if name not in ("town", "tsunami")])
def test_parameters_leave_room_beyond_training_or_name_where_physics_ends(name):
    cls = scenario_class(name)
    table = cls.parameters()
    assert 3 <= len(table) <= 9
    for field, spec in table.items():
        if spec.choices:
            continue
        (low, high), (least, most) = spec.training, spec.physical
        assert least <= low < high <= most, field
        assert least <= getattr(cls(), field) <= most
        assert not spec.whole or all(float(v).is_integer() for v in (low, high, least, most))
    roomy = [
        spec.physical[0] <= spec.training[0] - 0.5 * (spec.training[1] - spec.training[0]) + 1e-9
        or spec.physical[1] >= spec.training[1] + 0.5 * (spec.training[1] - spec.training[0]) - 1e-9
        for spec in table.values() if not spec.choices
    ]
    assert sum(roomy) >= len(roomy) / 2


@pytest.mark.parametrize("name", MECHANICAL)
def test_sweeping_a_parameter_changes_no_draw_of_another(name):
    """The surroundings of a case are the same, whatever its parameters."""
    one, other = sampled(name, 0), sampled(name, 1)
    assert one.scene(9, 4).backdrop == other.scene(9, 4).backdrop


def test_scenarios_are_imported_without_what_is_heavy():
    code = (
        "import sys\n"
        "from worldsim.scenario import list_scenarios, scenario_class\n"
        "for name in list_scenarios(): scenario_class(name)\n"
        "heavy = [m for m in ('torch', 'mujoco', 'xarray', 'scipy') if m in sys.modules]\n"
        "assert not heavy, heavy\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
