"""Random towns: any that can be drawn stands up, and what should not matter does not, to the bit.

The town is small (the scenario's own parts on fewer cells), so that many can be tried.
"""

import dataclasses
from typing import ClassVar

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from scenarios.town_plan import TownPlan
from scenarios.tsunami import Town, Tsunami
from worldsim.camera import render
from worldsim.errors import InputError
from worldsim.scenario import scenario_class
from worldsim.simulator.scene import Domain, Person, Scene
from worldsim.simulator.structures import TYPES
from worldsim.simulator.world import simulate

FEW = settings(max_examples=3, deadline=None, derandomize=True)

LIMITS = {"mass_error": 1e-10, "momentum_error": 1e-8, "third_law_error": 1e-8, "energy_gain": 1e-2}


@dataclasses.dataclass(frozen=True)
class Hamlet(Tsunami):
    """Lots for eight buildings close to the sea, which stands in the first streets at t=0: no
    second is lost until the water is among them."""

    plan: ClassVar[TownPlan] = TownPlan(
        Domain(nx=64, ny=32, dx=2.0, dy=2.0), (60.0, 120.0), (7, 8), (2, 3)
    )
    sea: ClassVar[float] = 4.0
    """m that the sea stands above its level, west of x = 80 m."""

    def scene(self, seed: int, case: int) -> Scene:
        """The scenario's, in front of a wall of water."""
        scene = super().scene(seed, case)
        high = np.where(scene.domain.x < 80.0, self.sea, 0.0)
        return dataclasses.replace(
            scene, surface=np.repeat(high[None], scene.domain.ny, axis=0)
        )


def drawn(seed: int, kind: type[Tsunami] = Hamlet, **fixed: object) -> Tsunami:
    return dataclasses.replace(kind.sample(np.random.default_rng(seed)), **fixed)


def run(scenario: Tsunami, seed: int = 3, duration: float = 1.0, **options) -> xr.DataTree:
    return simulate(scenario, seed=seed, duration=duration, threads=1, **options)


GROUPS = ("water", "bodies", "structures", "people", "works", "audit")


def assert_same(a: xr.DataTree, b: xr.DataTree, groups: tuple[str, ...] = GROUPS) -> None:
    for group in groups:
        assert (group in a) == (group in b), group
        for name, values in a[group].dataset.data_vars.items() if group in a else ():
            if name != "colour":  # paint is recorded, and does nothing else
                equal = np.array_equal(values, b[group][name], equal_nan=values.dtype.kind == "f")
                assert equal, f"{group}/{name}"


def assert_sound(truth: xr.DataTree) -> None:
    """The books close, and everybody is somewhere."""
    audit = truth["audit"].to_dataset()
    assert not audit["failed"].any()
    for name, limit in LIMITS.items():
        assert float(audit[name].max()) <= limit, name
    people, water = truth["people"].to_dataset(), truth["water"].to_dataset()
    assert float(water["depth"].min()) >= 0
    place = people["position"].values
    here = np.broadcast_to(people["present"].values[:, None, None, :], place.shape[:-1])
    half = [float(water[axis][1] - water[axis][0]) / 2 for axis in "xy"]
    for k, axis in enumerate("xy"):
        inside = place[..., k][here]
        assert np.isfinite(inside).all()
        assert (inside >= 0).all() and (inside <= float(water[axis].max()) + half[k]).all()
    assert np.isnan(place[~here]).all()
    assert (people["max_depth"].values[here[:, :, 0]] >= 0).all()


@FEW
@given(seed=st.integers(0, 2**32 - 1))
def test_any_town_stands_up_and_keeps_its_books_while_the_water_comes(seed):
    scenario = drawn(seed)
    truth = run(scenario, seed=seed % 1000)
    assert_sound(truth)
    assert int(truth["people"]["present"].sum()) == round(scenario.population)


@pytest.mark.parametrize("kind", [Tsunami, Town])
def test_shipped_towns_at_the_ends_of_their_ranges_stand_up(kind):
    """All parameters at the least, and at the largest, that the scenario allows."""
    for end in (0, 1):
        values = {
            name: spec.choices[-end] if spec.choices else float(spec.physical[end])
            for name, spec in kind.parameters().items()
        }
        scene = kind(**values).scene(4, end)
        hidden = kind(**values).hidden(scene, 4, end, 0)
        assert len(scene.people) == (0, 100)[end]
        assert np.isfinite(hidden.strength).all() and scene.domain == kind.plan.domain


@pytest.mark.slow
@settings(max_examples=4, deadline=None, derandomize=True)
@given(seed=st.integers(0, 2**32 - 1), kind=st.sampled_from([Tsunami, Town]))
def test_any_shipped_town_steps_with_its_books_closed(seed, kind):
    truth = run(drawn(seed, kind, wave_height=8.0), seed=seed % 1000, duration=0.5)
    audit = truth["audit"].to_dataset()
    assert not audit["failed"].any() and float(audit["mass_error"].max()) <= 1e-10


BUSY = drawn(11, population=60.0, participation=1.0, warning_time=8.0, milling=20.0,
             seawall_height=1.0, green_belt=4.0, building="mixed", wave_height=7.0)
"""Everything at once: people on their way, a wall, trees, a tank, all types."""


@pytest.fixture(scope="module")
def busy() -> xr.DataTree:
    """Two cases, two realizations of it."""
    truth = run(BUSY, cases=2, realizations=2, duration=1.5)
    assert_sound(truth)
    return truth


def test_water_meets_people_works_and_houses_within_the_tests_second(busy):
    """What the null tests below compare is no dry street."""
    people = busy["people"].to_dataset()
    assert np.isfinite(people["departure_time"].values[people["status"].values[:, :, 0] >= 2]).all()
    assert (people["max_depth"] > 0.1).any(), "somebody stands in water"
    assert (busy["works"]["max_overflow_depth"] > 0.1).any(), "the wall is overtopped"
    assert (busy["structures"]["max_depth"] > 0.1).any(), "houses stand in water"


def test_a_member_with_people_and_works_alone_is_the_member_of_the_batch(busy):
    alone = run(BUSY, case_numbers=[1], first_realization=1, duration=1.5)
    assert_same(alone, busy.isel(case=[1], realization=[1]))


@dataclasses.dataclass(frozen=True)
class Repainted(Hamlet):
    """Other colours everywhere; told under another name."""

    name: ClassVar[str] = "somewhere else"
    summary: ClassVar[str] = "the same under another name"

    def scene(self, seed: int, case: int) -> Scene:
        """The same but for paint and cameras."""
        scene = super().scene(seed, case)
        return dataclasses.replace(
            scene,
            buildings=tuple(dataclasses.replace(b, colour=(9, 200, 40)) for b in scene.buildings),
            debris=tuple(dataclasses.replace(d, colour=(1, 2, 3)) for d in scene.debris),
            cameras={"overhead": scene.cameras["street"]},
        )


def test_paint_names_and_cameras_change_nothing(busy):
    again = run(Repainted(**BUSY.values()), cases=2, realizations=2, duration=1.5)
    assert_same(busy, again)
    size = (16, 24)
    before, after = (render(truth, "overhead", size, 2.0) for truth in (busy, again))
    assert not np.array_equal(before["rgb"], after["rgb"]), "it does look different"


def test_looking_changes_nothing(busy):
    kept = busy.copy(deep=True)
    render(busy, "overhead", (16, 24), 2.0)
    assert_same(kept, busy)


WARNING = {"warning_time": 0.0, "participation": 0.2, "milling": 300.0, "shelter_capacity": 0.0,
           "occupancy": "night"}


@pytest.mark.parametrize("changes", [WARNING, {"population": 7.0}], ids=["warning", "population"])
def test_who_is_there_and_warned_changes_neither_layout_nor_wave_nor_strength(changes):
    before, after = (s.scene(3, 0) for s in (BUSY, dataclasses.replace(BUSY, **changes)))
    assert before.buildings == after.buildings and before.works == after.works
    assert before.debris == after.debris and before.trees == after.trees
    for name in ("bathymetry", "wave_times", "wave_elevation"):
        assert np.array_equal(getattr(before, name), getattr(after, name)), name
    draws = [BUSY.hidden(scene, 3, 0, 0) for scene in (before, after)]
    for name in ("strength", "drift_limit", "debris_density", "debris_drag"):
        assert np.array_equal(*(getattr(draw, name) for draw in draws)), name
    assert _same_fields(draws[0].coast, draws[1].coast)
    assert _same_fields(draws[0].buildings, draws[1].buildings)


def _same_fields(a: object, b: object) -> bool:
    names = [f.name for f in dataclasses.fields(a)]
    return all(np.array_equal(getattr(a, name), getattr(b, name)) for name in names)


def test_people_in_a_larger_population_are_the_same_people():
    few, many = (dataclasses.replace(BUSY, population=n).scene(3, 0).people for n in (7.0, 60.0))
    who = ("age", "female", "height", "mass", "home", "walking_speed")
    assert len(few) == 7 and len(many) == 60
    for one, other in zip(few, many, strict=False):
        assert [getattr(one, n) for n in who] == [getattr(other, n) for n in who]


def test_before_the_water_meets_anybody_people_change_nothing_in_it():
    """The wave of a town without people is that of the town with people, until they are bodies."""
    calm = {"sea": 0.0}
    quiet = type("Quiet", (Hamlet,), calm)
    empty, full = (
        run(quiet(**BUSY.values() | {"population": n}), duration=1.0) for n in (0.0, 60.0)
    )
    assert float(full["people"]["max_depth"].max()) == 0
    assert_same(empty, full, ("water", "structures", "works"))


@pytest.mark.parametrize("values, message", [
    ({"population": -1.0}, "population"),
    ({"population": 101.0}, "population"),
    ({"seawall_height": -0.5}, "seawall_height"),
    ({"warning_time": -1.0}, "warning_time"),
    ({"participation": 1.2}, "participation"),
    ({"building": "straw"}, "building"),
    ({"occupancy": "dusk"}, "occupancy"),
    ({"shelter_capacity": float("nan")}, "shelter_capacity"),
])
@pytest.mark.parametrize("name", ["tsunami", "town"])
def test_values_that_cannot_be_are_named(name, values, message):
    with pytest.raises(InputError, match=message):
        scenario_class(name)(**values)


def changed(**changes: object) -> type[Hamlet]:
    """A hamlet whose scene is changed after it was made."""

    class Changed(Hamlet):
        def scene(self, seed: int, case: int) -> Scene:
            scene = super().scene(seed, case)
            made = {n: c(scene) if callable(c) else c for n, c in changes.items()}
            return dataclasses.replace(scene, **made)

    return Changed


def _first(scene: Scene, **changes: object) -> tuple:
    return (dataclasses.replace(scene.buildings[0], **changes), *scene.buildings[1:])


def _adult(place: tuple[float, float], **where: int) -> tuple[Person, ...]:
    return (Person(place, 40.0, True, 1.6, 60.0, **where),)


@pytest.mark.parametrize("changes, message", [
    ({"bathymetry": np.zeros((3, 4))}, "bathymetry must be finite and of shape"),
    ({"buildings": lambda s: _first(s, footprint=(122.0, 132.0, 20.0, 30.0))}, "leaves the domain"),
    ({"buildings": lambda s: _first(s, footprint=(61.0, 70.0, 20.0, 30.0))}, "whole cells"),
    ({"people": lambda s: _adult((500.0, 10.0))}, "person 0"),
    ({"people": lambda s: _adult((20.0, 20.0), building=77)}, "person 0"),
    ({"people": lambda s: _adult(
        (sum(s.buildings[0].footprint[:2]) / 2, sum(s.buildings[0].footprint[2:]) / 2)
    )}, "person 0"),
], ids=["terrain", "outside", "half cell", "nowhere", "no such house", "in a wall"])
def test_a_town_that_cannot_be_is_refused_before_the_first_step(changes, message):
    with pytest.raises(InputError, match=message):
        run(changed(**changes)(**BUSY.values()))


def test_unknown_types_and_impossible_storeys_are_refused():
    house = Hamlet().scene(0, 0).buildings[0]
    with pytest.raises(InputError, match="no type of building"):
        dataclasses.replace(house, type="straw")
    with pytest.raises(InputError, match="storeys"):
        dataclasses.replace(house, storeys=0)
    assert set(TYPES) == {"timber", "masonry", "steel", "concrete"}
