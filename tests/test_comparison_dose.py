"""The dose table: which decreases count, and that the street is what it says."""

import numpy as np

from evaluation.comparison.dose import BUILDINGS, HEIGHTS, SEED, differences, report, street_case
from worldsim.scenario import make
from worldsim.simulator.structures import TYPES


def test_a_decrease_beyond_chance_is_found_and_one_within_is_not():
    rng = np.random.default_rng(0)
    common = rng.normal(size=64)
    noise = rng.normal(size=(len(HEIGHTS), 64))
    rising = 10.0 * HEIGHTS[:, None] + 30.0 * common + noise
    flat = 30.0 * common + noise
    falling = flat.copy()
    falling[5:] -= 2.0
    rows = differences({"rising": rising, "flat": flat, "falling": falling})
    found = {(row["quantity"], row["pair"]) for row in rows if row["falls"]}
    assert found == {("falling", 4)}, "2 lower beside a common scatter of 30: the pairing sees it"


def test_the_street_has_twelve_buildings_of_all_types_at_every_height():
    case = street_case()
    low, high = (make("tsunami", wave_height=h, building="mixed").scene(SEED, case)
                 for h in (1.0, 8.0))
    assert len(low.buildings) == BUILDINGS
    assert {b.type.name for b in low.buildings} == set(TYPES)
    assert low.buildings == high.buildings
    assert repr(low.people) == repr(high.people)  # who has not left departed at NaN


def test_the_report_names_what_falls():
    values = np.repeat(np.arange(8.0)[:, None], 16, axis=1)
    names = ("damage", "buildings_down", "exposure", "people_carried_off", "deaths")
    table = {name: values.copy() for name in names}
    assert "No adjacent decrease" in report(table, differences(table), 0, 16, 4)
    table["deaths"] = values[::-1]
    assert "deaths from 1 to 2 m" in report(table, differences(table), 0, 16, 4)
