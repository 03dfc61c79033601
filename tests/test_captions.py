"""Captions: what the grammar reads is what the scenario said."""

from __future__ import annotations

import pytest

import worldsim
from worldsim.captions import read_caption
from worldsim.errors import InputError
from worldsim.scenario import scenario_class
from worldsim.splits import Purpose, Split, draw, seed_for

SEED = seed_for(Purpose.VALIDATION, 5)


@pytest.mark.parametrize("name", worldsim.list_scenarios())
@pytest.mark.parametrize("case", [0, 1])
def test_the_full_caption_of_any_scenario_is_read_back(name: str, case: int) -> None:
    scenario = draw(scenario_class(name), Split.IN_RANGE, SEED, case)
    reading = read_caption(scenario.caption())
    assert reading.scenario == name
    codes = scenario.codes()
    assert set(reading.values) == set(codes)
    for parameter, value in reading.codes().items():
        assert value == pytest.approx(codes[parameter], rel=1e-5)


@pytest.mark.parametrize("name", worldsim.list_scenarios())
def test_every_phrasing_is_understood_as_its_scenario(name: str) -> None:
    scenario = draw(scenario_class(name), Split.IN_RANGE, SEED, 3)
    for text in scenario.captions():
        reading = read_caption(text)
        assert reading.scenario == name, text
        for parameter, value in reading.values.items():
            spec = scenario.parameters()[parameter]
            told = getattr(scenario, parameter)
            assert value == told if spec.choices else value == pytest.approx(told, abs=0.6), text


def test_statements_in_any_order_and_with_choices_alone() -> None:
    reading = read_caption("Tsunami: concrete, 6.5 m wave height, seawall height = 2")
    assert reading.scenario == "tsunami"
    assert reading.values == {"wave_height": 6.5, "seawall_height": 2.0, "building": "concrete"}


def test_what_is_not_said_is_not_told() -> None:
    assert read_caption("pendulum of length 0.9").values == {"length": 0.9}


@pytest.mark.parametrize("text, says", [
    ("", "empty"),
    ("a cat plays the piano", "names no scenario"),
    ("tsunami with wave height 900 m", "physical range"),
])
def test_what_is_not_understood_is_said(text: str, says: str) -> None:
    with pytest.raises(InputError, match=says):
        read_caption(text)
