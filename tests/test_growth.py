"""How errors grow outside the training's ranges: measured, kept in a checkpoint, told."""

from __future__ import annotations

import dataclasses
import json
import warnings

import numpy as np
import pytest
from tiny_model import SIZE, tiny_model

from evaluation.learned.__main__ import calibrate
from evaluation.learned.skill import calibrated, growth_table
from worldsim.diffusion.checkpoint import ModelConfig
from worldsim.diffusion.growth import Growth, expected_growth
from worldsim.diffusion.model import VideoDiffusion
from worldsim.errors import InputError
from worldsim.query import Query

TABLE = (Growth(0.0, 0.2, 1.5, 1.2, 1.9), Growth(0.2, None, 3.0, 2.0, 4.5))


def test_growth_is_one_within_and_nothing_where_nothing_was_measured():
    beyond = np.array([0.0, 0.1, 0.2, 0.21, 7.0])
    found = expected_growth(beyond, TABLE)
    assert found[:, 0].tolist() == [1.0, 1.5, 1.5, 3.0, 3.0]
    assert found[0].tolist() == [1.0, 1.0, 1.0] and found[3].tolist() == [3.0, 2.0, 4.5]
    assert np.isnan(expected_growth(beyond, ())[1:]).all()


def test_a_known_growth_is_found_again_and_holds_on_other_cases():
    rng = np.random.default_rng(0)
    scores = rng.uniform(0.01, 0.6, 400)
    growth = np.where(scores < 0.15, 1.2, np.where(scores < 0.35, 2.0, 4.0)) * rng.lognormal(
        0, 0.2, 400) / np.exp(0.02)
    found = calibrated(scores, growth)
    table = growth_table(found["bins"])
    assert [row.times for row in table] == pytest.approx([1.2, 2.0, 4.0], rel=0.06)
    assert table[-1].upto is None and all(r.low < r.times < r.high for r in table)
    observed = found["observed_over_expected"]
    assert observed["low"] < 1 < observed["high"] and observed["high"] - observed["low"] < 0.2
    assert found["rank_correlation"] > 0.8


def test_a_checkpoint_keeps_it(tmp_path):
    model = tiny_model()
    model.save_pretrained(tmp_path)
    bins = [{"from": 0.0, "to": 0.2, "growth": 1.5, "low": 1.2, "high": 1.9},
            {"from": 0.2, "to": np.inf, "growth": 3.0, "low": 2.0, "high": 4.5},
            {"from": 0.5, "to": 0.6, "growth": 3.0, "low": None, "high": None}]
    calibrate(str(tmp_path), {"bins": bins})
    assert json.loads((tmp_path / "config.json").read_text())["growth"][1]["upto"] is None
    config = VideoDiffusion.from_pretrained(tmp_path).config
    assert config.growth == TABLE and config.repertoire == model.config.repertoire
    assert ModelConfig.from_json(config.to_json(), "again") == config
    with pytest.raises(InputError, match="does not say"):
        calibrate(str(tmp_path), None)


def test_answers_say_it():
    """A wave of 5 m lies within, one of 11.5 m a quarter of the range (of logarithms) beyond."""
    model = tiny_model()
    model.config = dataclasses.replace(model.config, growth=TABLE)
    found = []
    for height in (5.0, 11.5):
        query = Query("tsunami", {"wave_height": np.array([height])}, size=SIZE, duration=1.0)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found += json.loads(model.rollout(query).attrs["expected_growth"])
    assert found == [[1.0, 1.0, 1.0], [3.0, 2.0, 4.5]]


def test_growth_is_told_of_the_expert_that_it_was_measured_on():
    model = tiny_model()
    model.config = dataclasses.replace(
        model.config, growth=tuple(dataclasses.replace(row, expert=1) for row in TABLE))
    query = Query("tsunami", {"wave_height": np.array([11.5])}, size=SIZE, duration=1.0)
    with pytest.warns(UserWarning, match="wave_height"):
        assert json.loads(model.rollout(query).attrs["expected_growth"]) == [None]
