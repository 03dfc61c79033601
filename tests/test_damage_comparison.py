"""Damage beside fragility curves: medians found again, verdicts as the numbers have them."""

import json

import numpy as np
import pytest
from scipy.stats import norm

from evaluation.comparison import damage, damage_row
from worldsim.simulator.structures import TYPES


def test_the_median_of_a_known_curve_is_found_again():
    depth = np.linspace(0.5, 8.0, 16)
    share = norm.cdf((np.log(depth) - np.log(2.7)) / 0.4)
    count = np.full(16, 100_000)
    found = damage.median_depth(depth, np.round(share * count), count)
    assert found == pytest.approx(2.7, rel=0.01)
    assert damage.median_depth(depth, np.zeros(16), count) is None


def made_up(work, monkeypatch):
    """Results in which timber always stands and all others are always washed away."""
    def results(folder, height, realizations, change):
        state = np.full((realizations, damage_row.HOUSES), 5)
        state[:, ::4] = 4 if change.input == "strength" and change.factor < 1 else 0
        return {"state": state, "depth": np.array(height / 2), "flux": np.array(height**2),
                "speed": np.array(height)}

    monkeypatch.setattr(damage, "kept", results)
    assert damage.main(["--out", str(work), "--realizations", "4"]) == 0
    return json.loads((work / "damage.json").read_text()), (work / "damage.md").read_text()


def test_tables_say_what_the_houses_did_and_which_input_answers(tmp_path, monkeypatch, capsys):
    found, text = made_up(tmp_path, monkeypatch)
    timber, steel = found["types"]["timber"]["collapsed"], found["types"]["steel"]["collapsed"]
    assert set(timber["share"]) == {0.0} and set(steel["share"]) == {1.0}
    assert timber["count"][0] == 8 and timber["high"][0] > 0.1
    assert timber["inside"][0] and not timber["inside"][-1], "the curve is past the band when deep"
    assert found["sensitivity"]["types"]["timber"]["strength"] == [1.0, 0.0]
    assert "answers most" not in text.split("Timber:")[1].split(".")[0]
    assert (tmp_path / "damage.png").stat().st_size > 1000
    assert text == capsys.readouterr().out[:-1]


def test_all_houses_get_equal_draws_at_every_height_and_one_input_is_changed_alone():
    plain = damage_row.drawn(3, damage_row.Change())
    weak = damage_row.drawn(3, damage_row.Change("strength", 0.5))
    np.testing.assert_array_equal(weak.strength, 0.5 * plain.strength)
    np.testing.assert_array_equal(weak.drift_limit, plain.drift_limit)
    leaky = damage_row.drawn(3, damage_row.Change("leakage", 2.0))
    np.testing.assert_array_equal(leaky.buildings.leakage, 2.0 * plain.buildings.leakage)
    np.testing.assert_array_equal(leaky.buildings.walls, plain.buildings.walls)
    heavy = damage_row.houses(damage_row.Change("floor_mass", 2.0))
    assert heavy[1].type.floor_mass == 2.0 * TYPES["masonry"].floor_mass
    assert [house.type.name for house in heavy[:4]] == list(TYPES)


def test_what_was_simulated_is_not_simulated_again(tmp_path, monkeypatch):
    monkeypatch.setattr(damage_row, "SECONDS", 0.1)
    change = damage_row.Change()
    first = damage_row.kept(tmp_path, 2.0, 1, change)
    monkeypatch.setattr(damage_row, "damage", lambda *_: pytest.fail("simulated again"))
    again = damage_row.kept(tmp_path, 2.0, 1, change)
    assert first.keys() == again.keys() >= {"state", "cause", "depth", "flux"}
    assert first["state"].shape == (1, damage_row.HOUSES)
