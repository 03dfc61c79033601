"""What is measured of a learned world model: each measure against a case whose answer is known."""

from __future__ import annotations

import json

import numpy as np
import pytest
import xarray as xr

from evaluation.agreement import mean_agreement, shows_against_says
from evaluation.learned import gravity, shapes, shuffles
from evaluation.learned.__main__ import beside, main, written
from evaluation.learned.asking import (
    CONTEXT,
    examined,
    frozen,
    position_errors,
    ratio,
    simulated_answer,
    truth_of,
)
from evaluation.learned.streaming import coloured_share
from worldsim.camera import render
from worldsim.diffusion.observables import record_states
from worldsim.errors import InputError
from worldsim.model_registry import load_model


@pytest.mark.parametrize("rate, size", [(10.0, (114, 64)), (40.0, (64, 114))])
def test_other_rates_and_shapes_are_asked_and_judged_as_they_are(rate, size):
    one = examined("pendulum", 2, fps=rate, size=size, seconds=CONTEXT / rate + 1.0)
    assert one.question.size == size and one.question.frames == CONTEXT + rate
    assert one.objects.sizes["time"] == CONTEXT + rate
    errors = position_errors(simulated_answer(one.truth, one), one)
    assert (errors < 0.02).all(), "the true film, less than a pixel"
    assert (frozen(one) > 5 * errors).all()


def test_shapes_weigh_scenarios_alike(monkeypatch):
    monkeypatch.setattr(shapes, "SCENARIOS", ("free_fall", "pendulum"))
    monkeypatch.setattr(shapes, "RATES", (10.0,))
    found = shapes.measure(load_model("baseline:frozen"), cases=2)
    assert list(found) == ["10 frames/s, 1:1", "10 frames/s, 16:9", "10 frames/s, 9:16"]
    for row in found.values():
        assert row["of_frozen"]["value"] == pytest.approx(1.0, abs=0.1)
        assert row["shows_against_says_m"] is None, "it says nothing"


def test_the_second_derivative_of_a_parabola_is_found_and_gaps_do_not_matter():
    time = np.arange(12) / 20
    height = 3.0 + 0.4 * time - 0.5 * 7.3 * time**2
    height[4] = np.nan
    assert gravity.fitted(height, 20.0) == pytest.approx(7.3, rel=1e-9)
    assert np.isnan(gravity.fitted(height[:4], 20.0))


@pytest.fixture(scope="module")
def falls():
    return examined("free_fall", 3)


def test_the_truth_as_an_answer_errs_by_less_than_a_pixel(falls):
    errors = position_errors(simulated_answer(falls.truth, falls), falls)
    assert errors.shape == (3,) and (errors < 0.05).all()
    assert (frozen(falls) > 5 * errors).all()


def test_another_law_costs_the_simulator_something(falls):
    wrong = shuffles.shuffled(falls.scenarios, ("gravity",))
    assert [s.gravity for s in wrong] == [s.gravity for s in (*falls.scenarios[1:],
                                                            falls.scenarios[0])]
    assert all(a.height == b.height for a, b in zip(wrong, falls.scenarios, strict=True))
    right = position_errors(simulated_answer(falls.truth, falls), falls)
    cost = position_errors(simulated_answer(truth_of(wrong), falls), falls)
    assert cost.mean() > right.mean() + 0.05


@pytest.mark.parametrize("size", [(64, 64), (64, 114), (114, 64)])
def test_what_is_shown_and_said_is_compared_in_metres(size):
    one = examined("free_fall", 1)
    film = render(one.truth, "side", size=size, fps=20).isel(time=slice(0, 25))
    states = record_states(one.truth)["states"][:, None, :25, :1].astype(float)
    names = json.dumps(["body 1"])

    def answer(shift: float) -> xr.DataTree:
        said = states.copy()
        said[..., 2] += shift
        tree = xr.DataTree.from_dict({"/video/side": film, "/said": xr.Dataset(
            {"state": (("case", "realization", "time", "entity", "number"), said)},
            attrs={"names": names})})
        tree.attrs["scenario"] = json.dumps({"name": "free_fall"})
        return tree

    assert shows_against_says(answer(0.0))[0, 0] < 0.04
    assert shows_against_says(answer(0.15))[0, 0] == pytest.approx(0.15, abs=0.04)
    assert mean_agreement(answer(0.15)) == pytest.approx(0.15, abs=0.04)
    silent = answer(0.0).filter(lambda node: "state" not in node)
    assert np.isnan(mean_agreement(silent))


def test_ratios_have_intervals_over_cases():
    rng = np.random.default_rng(0)
    below = rng.uniform(1, 2, 16)
    found = ratio(0.5 * below, below)
    assert found["value"] == pytest.approx(0.5) and found["low"] == pytest.approx(0.5)


def test_coloured_pixels_are_counted():
    frames = np.full((2, 4, 4, 3), 120, np.uint8)
    frames[1, :2] = (220, 30, 30)
    assert coloured_share(frames).tolist() == [0.0, 0.5]


def test_the_tables_hold_what_was_measured():
    results = {
        "model": "m", "sha256": "0" * 64, "sampler": "12 steps", "cases": 8, "commands": ["c"],
        "steps": {"4": {"value": 1.1, "low": 1.0, "high": 1.2}},
        "shuffles": {"laws": {"right": "0.1 m", "wrong": "0.2 m", "simulator": "0.3 m",
                              "share": 0.33}},
        "gravity": {"levels": [6.0], **{name: {"by_level": [5.5], "slope": 0.9,
                                               "relative_error": 0.08}
                                        for name in ("seen", "said", "true")}},
    }
    text = written(results)
    assert "1.10 [1.00, 1.20]" in text and "0.33" in text and "| seen | 5.50 | 0.90 | 8% |" in text
    assert "Streaming" not in text


def test_parts_of_the_same_weights_and_cases_stay(tmp_path):
    one = {"sha256": "a", "cases": 8, "sampler": "4 steps", "commands": ["x"], "steps": {"4": 1}}
    other = {"sha256": "a", "cases": 8, "sampler": "4 steps", "commands": ["y"], "gravity": {}}
    path = tmp_path / "results.json"
    assert beside(other, path) == other
    path.write_text(json.dumps(one))
    both = beside(other, path)
    assert both["steps"] == {"4": 1} and both["gravity"] == {} and both["commands"] == ["x", "y"]
    for changed in ({"sha256": "b"}, {"cases": 16}, {"sampler": "2 steps"}):
        assert beside(other | changed, path) == other | changed


def test_wrong_options_are_said(tmp_path):
    with pytest.raises(InputError, match="choose of"):
        main(["--out", str(tmp_path), "--only", "speed"])
