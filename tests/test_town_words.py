"""What a world model says of a town: recorded, scored and held against its pictures."""

from __future__ import annotations

import json

import numpy as np
import pytest
import xarray as xr

from evaluation.learned.town import WORDS, crps, guesses, words_of
from evaluation.report.said import said_plots
from worldsim.diffusion.observables import BODIES, TOWN, record_states, record_town
from worldsim.scenario import scenario_class
from worldsim.simulator.world import simulate


@pytest.fixture(scope="module")
def truth() -> xr.DataTree:
    """Two cases, two realizations, long enough for the wave to arrive."""
    scenarios = [scenario_class("tsunami")(wave_height=height) for height in (4.0, 8.0)]
    return simulate(scenarios, realizations=2, seed=3, duration=3.0)


def test_every_realization_is_recorded(truth):
    every = record_town(truth)
    np.testing.assert_array_equal(every[:, 0], record_states(truth)["states"][:, :, BODIES:])
    water = truth["water"]["depth"].values
    middle = water[:, 1, :, round((water.shape[3] - 1) / 2), round((water.shape[4] - 1) / 2)]
    step = round(0.2 / float(truth["water"]["time"][1] - truth["water"]["time"][0]))
    np.testing.assert_allclose(every[:, 1, :, TOWN.index("gauges"), 4],
                               middle[:, ::step][:, :every.shape[2]], rtol=1e-6)


def test_words_are_the_named_numbers():
    state = np.arange(2 * 3 * 4 * 3 * 9, dtype=float).reshape(2, 3, 4, 3, 9)
    tree = xr.DataTree.from_dict({"/said": xr.Dataset(
        {"state": (("case", "realization", "time", "entity", "number"), state)},
        attrs={"names": json.dumps(["people", "gauges", "houses"])})})
    found = words_of(tree)
    for word in WORDS:
        place = ["people", "gauges", "houses"].index(word.entity)
        np.testing.assert_array_equal(found[word.name],
                                      state[:, :, :, place][..., list(word.numbers)])


def test_the_true_distribution_scores_best_and_certainty_is_absolute_error():
    rng = np.random.default_rng(0)
    truth = rng.normal(size=(12, 60, 4, 2))
    right = crps(rng.normal(size=(12, 60, 4, 2)), truth).mean()
    for wrong in (rng.normal(0.5, size=(12, 60, 4, 2)), 2 * rng.normal(size=(12, 60, 4, 2)),
                  0.3 * rng.normal(size=(12, 60, 4, 2))):
        assert crps(wrong, truth).mean() > 1.05 * right
    one = rng.normal(size=(12, 1, 4, 2))
    np.testing.assert_allclose(crps(one, truth), np.abs(one - truth).mean((1, 2, 3)))


def test_guesses_are_what_they_are_called():
    rng = np.random.default_rng(1)
    truth = rng.normal(size=(5, 4, 3, 2)) + np.arange(5)[:, None, None, None]
    found = guesses(truth, truth[:, 0, 0])
    np.testing.assert_allclose(found["held"], np.abs(truth[:, :1, :1] - truth).mean((1, 2, 3)))
    # The fair CRPS of two draws of one distribution is half their mean distance.
    pairs = [(a, b) for a in range(4) for b in range(4) if a != b]
    half = np.mean([np.abs(truth[:, a] - truth[:, b]).mean((1, 2)) for a, b in pairs], axis=0) / 2
    np.testing.assert_allclose(found["simulator"], half)
    assert (found["other cases"] > found["simulator"]).all()


def test_report_draws_what_is_said_beside_the_truth(truth):
    every = record_town(truth)
    dream = xr.DataTree.from_dict({
        "/": xr.Dataset(coords={"case": truth["case"].values[1:],
                                "realization": truth["realization"].values}),
        "/said": xr.Dataset(
            {"state": (("case", "realization", "time", "entity", "number"), every[1:] + 0.125)},
            coords={"time": np.arange(every.shape[2]) / 5},
            attrs={"names": json.dumps(["gauges", "houses", "people"])})})
    drawn = said_plots(truth, dream, 1.0)
    assert len(drawn) == 3 and all("<svg" in one.svg for one in drawn)
    for one, (entity, number) in zip(drawn, [(0, 4), (1, 0), (2, 6)], strict=True):
        mean = every[1:, :, -1, entity, number].mean()
        assert f"{mean:.2f} simulated, {mean + 0.125:.2f} said" in one.alternative
    assert said_plots(truth, xr.DataTree(), 1.0) == ()
