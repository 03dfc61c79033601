"""The held-out evaluation: cases never trained on, truth kept, work resumed, a record written."""

import json

import numpy as np
import pytest
import xarray as xr
from evaluation_scenes import Member, rollout

from evaluation import holdout_cases
from evaluation.holdout import main
from evaluation.holdout_cases import Batch, Holdout, check_disjoint, compact, measured_on_all
from evaluation.holdout_record import write_record
from evaluation.measure import FLOOR, measure_model, prepare_truth
from worldsim import rollout as rollouts
from worldsim.errors import InputError
from worldsim.models.baselines import ConstantVelocity, Frozen
from worldsim.rollout import parameters_dataset
from worldsim.scenario import scenario_class
from worldsim.splits import Split, draw

HOLDOUT = Holdout(cases=8, realizations=2, batch=4, duration=3.0)


def drawn(cases: range, seed: int = 0) -> xr.DataTree:
    """A drawn rollout of these held-out cases, their parameters included."""
    members = []
    for case in cases:
        rng = np.random.default_rng((seed, case))
        members.append([
            Member(speed=rng.uniform(14, 22), start=rng.uniform(0.1, 0.3)) for _ in range(2)
        ])
    tree = rollout(members, duration=HOLDOUT.duration, case_numbers=list(cases))
    codes = [HOLDOUT.scenario_of(case).codes() for case in cases]
    table = {name: np.array([c[name] for c in codes]) for name in codes[0]}
    tree["parameters"] = xr.DataTree(parameters_dataset(scenario_class("tsunami"), table))
    return tree


class Simulator:
    """Stands in for the simulator: other draws of the same cases."""

    name = "mujoco"
    capabilities = Frozen.capabilities

    def rollout(self, query):
        cases = range(query.origin.cases[0], query.origin.cases[-1] + 1)
        answer = drawn(cases, seed=1)
        answer.attrs |= {"kind": "generated", "model": self.name}
        return answer

    def start(self, query):
        raise InputError("not streamed")


def kept(batch: Batch) -> xr.DataTree:
    return compact(drawn(range(batch.cases[0], batch.cases[-1] + 1)), batch.holdout)


@pytest.fixture(scope="module")
def work(tmp_path_factory):
    """A work directory whose truth is drawn instead of simulated."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Batch, "_simulated", kept)
        yield tmp_path_factory.mktemp("holdout")


def test_held_out_cases_are_in_range_and_not_those_of_training():
    Tsunami = scenario_class("tsunami")
    specs = Tsunami.parameters()
    for case in range(20):
        held, trained = HOLDOUT.scenario_of(case), draw(Tsunami, Split.IN_RANGE, 0, case)
        assert held != trained and held == HOLDOUT.scenario_of(case)
        for name, spec in specs.items():
            assert not spec.extrapolates(getattr(held, name))
    check_disjoint(HOLDOUT, trained_on=0)
    with pytest.raises(InputError, match="seed of the training cases"):
        check_disjoint(HOLDOUT, trained_on=HOLDOUT.seed)


def test_the_kept_truth_scores_like_the_whole_one(work):
    batch = Batch(HOLDOUT, range(4), work)
    found = batch.measured("baseline:frozen", Frozen())
    whole = prepare_truth(
        drawn(range(4)), size=HOLDOUT.size, fps=HOLDOUT.fps, cameras=("overhead",)
    )
    with batch.truth() as stored:
        answer = Frozen().rollout(batch.question(stored))
    xr.testing.assert_allclose(found, measure_model(answer, whole, holdout_cases.MEASURED))


def test_finished_batches_are_not_made_again(work, monkeypatch):
    first = measured_on_all(HOLDOUT, work, "baseline:frozen", Frozen())
    assert first.sizes["case"] == 8

    def fail(*args, **kwargs):
        raise AssertionError("made again")

    monkeypatch.setattr(Batch, "_simulated", fail)
    again = Frozen()
    monkeypatch.setattr(again, "rollout", fail)
    xr.testing.assert_identical(measured_on_all(HOLDOUT, work, "baseline:frozen", again), first)
    # More cases continue the same work; another model is measured against the truth that is kept.
    heard = []
    measured_on_all(HOLDOUT, work, "baseline:constant-velocity", ConstantVelocity(),
                    lambda *news: heard.append(news))
    assert heard[-1] == ("baseline:constant-velocity", 2, 2)


def test_another_checkpoint_of_the_same_name_is_measured_anew(work):
    model = Frozen()
    batch = Batch(HOLDOUT, range(4), work)
    batch.measured("mine", model)
    model.sha256 = "1234567890abcdef"
    batch.measured("mine", model)
    code = holdout_cases.code_digest(*holdout_cases.MEASURING)
    assert sorted(p.name for p in batch.folder.glob("mine*")) == sorted(
        [f"mine-1234567890ab-{code}.nc", f"mine-{code}.nc"]
    )


def test_errors_of_other_instruments_are_not_taken_for_these(work, monkeypatch):
    batch = Batch(HOLDOUT, range(4), work)
    before = batch.measured("theirs", Frozen())
    monkeypatch.setattr(holdout_cases, "code_digest", lambda *modules: "changed")
    monkeypatch.setattr(holdout_cases, "MEASURED", holdout_cases.MEASURED[:2])
    assert batch.measured("theirs", Frozen()).sizes["metric"] == 2 < before.sizes["metric"]


def test_the_record_holds_values_differences_and_skill(work, tmp_path):
    models = {FLOOR: None, "baseline:constant-velocity": ConstantVelocity(),
              "baseline:frozen": Frozen(), "mujoco": Simulator()}
    measured = {name: measured_on_all(HOLDOUT, work, name, m) for name, m in models.items()}
    paths = write_record(tmp_path / "out", HOLDOUT, measured, ["baseline:constant-velocity"],
                         ["baseline:frozen"], "mujoco", "the command")
    record = json.loads(paths[0].read_text())
    metric = "water.wet_area_brier"
    values = measured["mujoco"]["value"].sel(metric=metric).values
    stored = record["values"][metric]["mujoco"]
    assert stored["value"] == pytest.approx(values.mean())
    assert stored["interval"][0] < values.mean() < stored["interval"][1]
    against = record["differences"][metric]
    assert against["mujoco"]["interval"][0] > 0
    assert set(against) == {"baseline:frozen", "mujoco"}
    skill = record["skill"][metric]["baseline:frozen"]
    assert skill["value"] is not None or skill["reason"]
    text = paths[1].read_text()
    assert "the command" in text and text.count("| mujoco |") == 3
    assert paths[2].stat().st_size > 10_000
    again = write_record(tmp_path / "again", HOLDOUT, measured, ["baseline:constant-velocity"],
                         ["baseline:frozen"], "mujoco", "the command")
    assert again[0].read_bytes() == paths[0].read_bytes()


def test_bad_options_are_refused():
    with pytest.raises(InputError, match="1 or more"):
        main(["--cases", "0"])
    with pytest.raises(InputError, match="unknown scenario"):
        main(["--scenario", "tsunamy", "--prepare", "--work", "/nonexistent"])


def test_a_stored_truth_is_a_context(work):
    batch = Batch(HOLDOUT, range(4, 8), work)
    with batch.truth() as stored:
        question = batch.question(stored)
        assert stored.attrs["schema_version"] == rollouts.SCHEMA_VERSION
    assert question.origin.cases == (4, 5, 6, 7) and question.frames == 15
    np.testing.assert_array_equal(
        question.known[0].video, drawn(range(4, 8))["video/overhead"]["rgb"].values[:, 0, :5]
    )
