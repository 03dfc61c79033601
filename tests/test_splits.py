"""Splits: what training sees, what is kept from it, and seeds that never meet."""

import dataclasses
import itertools
from typing import ClassVar

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scenarios.tsunami import Tsunami
from worldsim import splits
from worldsim.errors import InputError
from worldsim.mechanics import Material
from worldsim.scenario import Scenario, choice, list_scenarios, parameter, scenario_class
from worldsim.seeding import VISIBLE, stream
from worldsim.splits import Purpose, Span, Split


@dataclasses.dataclass(frozen=True)
class Marble(Scenario):
    """Of every kind of parameter."""

    name: ClassVar[str] = "marble"
    summary: ClassVar[str] = "a marble"

    speed: float = parameter(
        2.0, unit="m/s", training=(1.0, 3.0), physical=(0.5, 9.0), meaning="speed"
    )
    angle: float = parameter(
        0.0, unit="rad", training=(-1.0, 1.0), physical=(-1.0, 1.2), meaning="angle",
        gap=(-0.5, 0.0),
    )
    count: float = parameter(
        4, unit="1", training=(2, 6), physical=(1, 20), meaning="number", whole=True
    )
    few: float = parameter(
        2, unit="1", training=(1, 3), physical=(1, 3), meaning="number of walls", whole=True
    )
    colour: str = choice("red", ("red", "blue"), meaning="colour")
    humidity: float = parameter(
        0.5, unit="1", training=(0.0, 1.0), physical=(0.0, 1.0), meaning="damp", seen=False
    )


@dataclasses.dataclass(frozen=True)
class Declared(Marble):
    """The same with a combination of its own."""

    name: ClassVar[str] = "declared"
    combination: ClassVar = {"colour": ("blue",), "angle": (0.2, 1.0)}


@dataclasses.dataclass(frozen=True)
class Plain(Scenario):
    """One quantity and a choice, all of which training sees to the ends of physics."""

    name: ClassVar[str] = "plain"
    summary: ClassVar[str] = "plain"
    width: float = parameter(
        0.5, unit="m", training=(0.0, 1.0), physical=(0.0, 1.0), meaning="width"
    )
    colour: str = choice("red", ("red", "blue"), meaning="colour")


ALL = [Marble, Declared, Plain, Tsunami]
SEEDS = st.integers(0, splits.SEEDS - 1)
CASES = st.integers(0, 10_000)


def in_gap_of_marble(s: Marble) -> bool:
    """By hand, from the declarations above."""
    return 1.9 <= s.speed <= 2.1 or -0.5 <= s.angle <= 0.0 or s.count == 4


def in_range_of_marble(s: Marble) -> bool:
    return 1 <= s.speed <= 3 and -1 <= s.angle <= 1 and 2 <= s.count <= 6 and 1 <= s.few <= 3


def in_corner_of_marble(s: Marble) -> bool:
    if isinstance(s, Declared):
        return s.colour == "blue" and s.angle >= 0.2
    return s.speed >= 2.4 and s.angle >= 0.4


@given(cls=st.sampled_from([Marble, Declared]), seed=SEEDS, case=CASES)
@settings(max_examples=300, deadline=None)
def test_training_never_sees_gap_corner_or_outside(cls, seed, case):
    s = splits.draw(cls, Split.IN_RANGE, splits.seed_for(Purpose.TRAINING, seed), case)
    assert in_range_of_marble(s) and not in_gap_of_marble(s) and not in_corner_of_marble(s)


@given(cls=st.sampled_from([Marble, Declared]), seed=SEEDS, case=CASES)
@settings(max_examples=200, deadline=None)
def test_each_split_is_what_it_says(cls, seed, case):
    inside = splits.draw(cls, Split.INSIDE, seed, case)
    assert in_range_of_marble(inside) and in_gap_of_marble(inside)
    assert not in_corner_of_marble(inside)
    held = [1.9 <= inside.speed <= 2.1, -0.5 <= inside.angle <= 0.0, inside.count == 4]
    assert sum(held) == 1
    corner = splits.draw(cls, Split.COMBINATION, seed, case)
    assert in_range_of_marble(corner) and in_corner_of_marble(corner)
    assert not in_gap_of_marble(corner)
    one = splits.draw(cls, Split.OUTSIDE, seed, case)
    out = [not 1 <= one.speed <= 3, not -1 <= one.angle <= 1, not 2 <= one.count <= 6]
    assert sum(out) == 1
    every = splits.draw(cls, Split.OUTSIDE_ALL, seed, case)
    assert 0.5 <= every.speed < 1 or 3 < every.speed <= 4
    assert 1 < every.angle <= 1.2  # physics has no room below
    assert every.count in (1, 7, 8)  # half the width of 4 counts, physics leaves one below
    assert 1 <= every.few <= 3 and 0 <= every.humidity <= 1  # physics; not seen


@given(cls=st.sampled_from(ALL), seed=SEEDS, case=CASES, data=st.data())
@settings(max_examples=300, deadline=None)
def test_draws_belong_to_their_split_and_repeat(cls, seed, case, data):
    split = data.draw(st.sampled_from(splits.offered(cls)))
    drawn = splits.draw(cls, split, seed, case)
    assert splits.split_of(drawn) is split
    assert drawn == splits.draw(cls, split, seed, case)
    for name, spec in cls.parameters().items():
        value = getattr(drawn, name)
        spec.check(name, value)
        assert not spec.whole or value == round(value)


@pytest.mark.parametrize("name", list_scenarios())
def test_every_scenario_of_the_family_draws_from_all_its_splits(name):
    cls = scenario_class(name)
    known, said = cls.parameters(), splits.describe(cls)
    assert set(said) == set(splits.offered(cls))
    for split, case in itertools.product(splits.offered(cls), range(8)):
        assert splits.split_of(splits.draw(cls, split, 5, case)) is split
    if cls.held_out:
        assert {Split.IN_RANGE, Split.INSIDE, Split.OUTSIDE} <= set(said)
    for key, spec in known.items():
        for span in splits.beyond(spec):
            reach = 0.5 * (spec.training[1] - spec.training[0])
            at_physics = {span.low, span.high} & set(spec.physical)
            assert spec.whole or span.measure == pytest.approx(reach) or at_physics, key


def test_gaps_are_the_middle_tenth_or_the_middle_count():
    assert splits.gap(Marble, "speed") == Span(1.9, 2.1)
    assert splits.gap(Marble, "angle") == Span(-0.5, 0.0)
    assert splits.gap(Marble, "count") == Span(4, 4, whole=True)
    for name in ("few", "colour", "humidity"):
        assert splits.gap(Marble, name) is None
    assert splits.combination(Plain) == {"width": Span(0.7, 1.0), "colour": ("blue",)}
    assert splits.offered(Plain) == (Split.IN_RANGE, Split.INSIDE, Split.COMBINATION)


def test_outside_draws_reach_half_a_width_beyond_both_ends():
    speeds = [splits.draw(Marble, Split.OUTSIDE_ALL, 0, case).speed for case in range(300)]
    below, above = [s for s in speeds if s < 1], [s for s in speeds if s > 3]
    assert 0.5 <= min(below) < 0.55 and 3.9 < max(above) <= 4.0 and max(below) > 0.9
    assert 0.25 < len(below) / 300 < 0.42  # half a metre per second of one and a half


def test_the_packaged_models_scenario_has_no_gaps_and_keeps_its_training_draws():
    assert splits.offered(Tsunami) == (Split.IN_RANGE, Split.OUTSIDE, Split.OUTSIDE_ALL)
    with pytest.raises(InputError, match="has no split 'inside'; it has in_range"):
        splits.draw(Tsunami, Split.INSIDE, 0, 0)
    for case in range(5):
        rng = stream(3, case, VISIBLE, "training parameters")
        assert splits.draw(Tsunami, Split.IN_RANGE, 3, case) == Tsunami.sample(rng)


def test_training_fills_its_range_evenly_outside_the_gap():
    draws = [splits.draw(Marble, Split.IN_RANGE, 1, case) for case in range(1500)]
    # Where the angle is low, no corner is cut out of the speeds.
    speeds = [s.speed for s in draws if s.angle < -0.5]
    counts, _ = np.histogram(speeds, bins=[1.0, 1.45, 1.9, 2.1, 2.55, 3.0])
    assert counts[2] == 0
    others = counts[[0, 1, 3, 4]]
    spread = 5 * np.sqrt(len(speeds) / 4)
    assert np.all(np.abs(others - len(speeds) / 4) < spread) and len(speeds) > 300


@given(
    first=st.tuples(st.sampled_from(Purpose), SEEDS),
    second=st.tuples(st.sampled_from(Purpose), SEEDS),
)
@settings(max_examples=300, deadline=None)
def test_seeds_of_purposes_never_meet(first, second):
    """The mapping has an inverse, hence is one to one over purposes and seeds together."""
    one, other = splits.seed_for(*first), splits.seed_for(*second)
    assert (one == other) == (first == second)
    assert splits.purpose_of(one) == first
    assert 0 <= one < 2**63 and np.int64(one) == one


def test_the_blocks_of_the_purposes_are_disjoint_to_their_last_seed():
    ends = [(splits.seed_for(p, 0), splits.seed_for(p, splits.SEEDS - 1)) for p in Purpose]
    assert all(high < low for (_, high), (low, _) in itertools.pairwise(ends))
    assert splits.seed_for(Purpose.FREE, 7) == 7


def test_streams_of_purposes_differ():
    seeds = [splits.seed_for(purpose, 0) for purpose in Purpose]
    draws = [tuple(stream(seed, 0, 0, "x").integers(2**62, size=2)) for seed in seeds]
    assert len(set(draws)) == len(Purpose)


@pytest.mark.parametrize("seed", [-1, 2**60, 1.5, True])
def test_seeds_of_another_block_are_refused(seed):
    with pytest.raises(InputError, match=r"0 to 2\*\*60 - 1 for training"):
        splits.seed_for(Purpose.TRAINING, seed)
    if seed != 2**60:
        return
    with pytest.raises(InputError, match="seeds are 0 to"):
        splits.purpose_of(2**62)


def test_descriptions_name_ranges_and_units():
    said = splits.describe(Marble)
    assert said[Split.INSIDE] == "one of: speed 1.9 to 2.1 m/s; angle -0.5 to 0 rad; count 4"
    assert said[Split.OUTSIDE_ALL] == (
        "all of: speed 0.5 to 1 or 3 to 4 m/s; angle 1 to 1.2 rad; count 1 or 7 to 8"
    )
    assert said[Split.COMBINATION] == "together: speed 2.4 to 3 m/s, angle 0.4 to 1 rad"


@dataclasses.dataclass(frozen=True)
class Thrown(Marble):
    """Its speed means nothing where it is blue."""

    name: ClassVar[str] = "thrown"

    def matters(self, name: str) -> bool:
        return name != "speed" or self.colour == "red"


def test_what_does_not_matter_puts_no_case_into_a_split():
    for speed, split in ((2.0, Split.INSIDE), (4.0, Split.OUTSIDE)):
        assert splits.split_of(Thrown(speed=speed, angle=0.5, count=3)) is split
        assert splits.split_of(Thrown(speed=speed, angle=0.5, count=3, colour="blue")) is (
            Split.IN_RANGE
        )
    corner = {"speed": 2.9, "angle": 0.9, "count": 3}
    assert splits.split_of(Thrown(**corner)) is Split.COMBINATION
    assert splits.split_of(Thrown(**corner, colour="blue")) is Split.IN_RANGE


def bare(scene):
    """Bodies without what they are made of."""
    return [dataclasses.replace(body, material=Material()) for body in scene.bodies]


@pytest.mark.parametrize("name", ["gyroscope", "occlusion", "tower"])
@pytest.mark.parametrize("split", [Split.INSIDE, Split.OUTSIDE])
def test_cases_of_a_split_differ_from_those_in_range_in_what_is_seen(name, split):
    """Putting the parameters that matter back into range makes another scene, putting back the
    others does not."""
    cls = scenario_class(name)
    idle = set()
    for case in range(30):
        drawn = splits.draw(cls, split, 5, case)
        top = {n: spec.training[1] for n, spec in cls.parameters().items() if not spec.choices}
        odd = {
            n for n in top
            if cls.parameters()[n].extrapolates(getattr(drawn, n))
            or ((gap := splits.gap(cls, n)) is not None and getattr(drawn, n) in gap)
        }
        assert any(drawn.matters(n) for n in odd)
        for n in top:
            other = dataclasses.replace(drawn, **{n: top[n]})
            if drawn.matters(n):
                assert (other.scene(5, case) == drawn.scene(5, case)) == (other == drawn), n
            else:
                idle.add(n)
                # A lone ball's restitution may be another: it meets nothing.
                assert bare(other.scene(5, case)) == bare(drawn.scene(5, case)), n
    assert idle


@pytest.mark.parametrize(
    ("declared", "split", "message"),
    [
        ({"speed": (0.0, 2.0)}, Split.COMBINATION, "speed 0 to 2 in its combination"),
        ({"speed": (1.0, 3.0)}, Split.IN_RANGE, "no case of the split 'in_range'"),
    ],
)
def test_combinations_that_cannot_be_are_refused(declared, split, message):
    cls = type("Odd", (Marble,), {"combination": declared})
    with pytest.raises(InputError, match=message):
        splits.draw(cls, split, 0, 0)
