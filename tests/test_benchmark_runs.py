"""The benchmark runs: failures stay in, the truth is perfect, what was done is not done again."""

import dataclasses
import json

import numpy as np
import pytest
import xarray as xr

import worldsim
from evaluation.benchmark import bench, measuring, results, runner
from evaluation.benchmark.api import BenchResult
from evaluation.benchmark.as_json import agreement
from evaluation.benchmark.cases import Case, cases_of
from evaluation.benchmark.equivalence import equivalents
from evaluation.benchmark.ladders import LADDERS, Climbed, rungs_of
from evaluation.benchmark.measuring import known_measurement, measure_case
from evaluation.benchmark.results import block_result
from evaluation.benchmark.runner import Selection, measure_all
from evaluation.benchmark.skill import pooled, skill_shares
from evaluation.benchmark.subjects import FLOOR, REFERENCE, TRUTH, give
from evaluation.benchmark.suites import Block, Suite, Sweep
from evaluation.benchmark.what_if import curves_of, statistics_of
from evaluation.metrics.catalogue import metrics_of
from worldsim.mechanics import Kick
from worldsim.run_directory import BENCH_OUTPUTS, RunDirectory
from worldsim.world_model import Capabilities, WholeRolloutStream

FEW = ("baseline:frozen", "baseline:constant-velocity")
BLOCK = Block("free_fall", cases=3, realizations=2, duration=1.0)
SUITE = Suite("tiny-v1", (BLOCK,), seed=77)


@pytest.fixture(scope="module", autouse=True)
def own_cache(tmp_path_factory):
    """A cache of this module's own, so that nothing made before helps."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WORLDSIM_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture
def few_baselines(monkeypatch):
    """Only baselines that need no training rollouts."""
    monkeypatch.setattr(runner, "STANDARD", (FLOOR, REFERENCE, *FEW))
    monkeypatch.setattr(bench, "STANDARD", (FLOOR, REFERENCE, *FEW))
    monkeypatch.setattr(results, "BASELINES", FEW)


class Odd:
    """Freezes, but for what is wrong with it in some cases."""

    capabilities = Capabilities(parameters=False, stochastic=False, any_size=True, any_fps=True)

    def __init__(self, name, wrong=None, on=()):
        self.name, self.wrong, self.on, self.asked = name, wrong, on, []

    def rollout(self, query):
        case = query.origin.cases[0]
        self.asked.append(case)
        piece = query.known[0]
        frame = np.minimum(np.arange(query.frames), piece.video.shape[1] - 1)
        video = piece.video[:, frame]
        answer = worldsim.generated_rollout(query, self.name, {piece.camera: video})
        if case not in self.on:
            return answer
        if self.wrong == "crash":
            raise RuntimeError("out of memory\non the second line")
        if self.wrong == "interrupt":
            raise KeyboardInterrupt
        rgb = answer[f"video/{piece.camera}"].to_dataset(inherit=False)
        if self.wrong == "nan":
            rgb["rgb"] = rgb["rgb"].astype(float) * np.nan
        if self.wrong == "short":
            rgb = rgb.isel(time=slice(0, 7))
        if self.wrong == "nothing":
            return None
        tree = {node.path: node.to_dataset(inherit=False) for node in answer.subtree}
        if self.wrong == "says":  # of one body, where nothing is: at the floor, far to the left
            state = np.zeros((*rgb["rgb"].shape[:3], 1, 9))
            state[..., 0] = -1.5
            tree["/said"] = xr.Dataset(
                {"state": (("case", "realization", "time", "entity", "number"), state)},
                attrs={"names": json.dumps(["body 1"])})
        return xr.DataTree.from_dict({**tree, f"/video/{piece.camera}": rgb})

    def start(self, query):
        return WholeRolloutStream(self.rollout(query))


def measured(models, folder=None, own=""):
    cases = cases_of(SUITE, BLOCK)
    return cases, measure_all(cases, models, folder, workers=1, advance=lambda f: None, own=own)


@pytest.mark.parametrize(("wrong", "said"), [
    ("crash", r"RuntimeError: out of memory on the second line \(test_benchmark_runs.py, line "),
    ("nan", "float64 pixels, .* NaN; return uint8"),
    ("short", r"'time': 7.*the query asks for"),
    ("nothing", "returned NoneType; return a rollout"),
])
def test_a_failing_case_is_named_and_counted_and_the_others_scored(wrong, said, few_baselines):
    import re

    name = give(Odd(f"odd-{wrong}", wrong, on=(1,)))
    cases, found = measured([FLOOR, REFERENCE, *FEW, name])
    reasons = {case: one.failure for case, one in found[name].items() if one.failure}
    assert list(reasons) == [cases[1].id]
    assert re.search(said, reasons[cases[1].id])
    result = block_result(BLOCK, name, found, [c.id for c in cases], {})
    whole = block_result(BLOCK, FEW[0], found, [c.id for c in cases], {})
    metric = metrics_of("free_fall")[0]
    # The others freeze as the baseline does; the failure counts as the worst baseline there.
    mine, frozen = result.errors(name, metric), whole.errors(FEW[0], metric)
    other = whole.errors(FEW[1], metric)
    np.testing.assert_allclose(mine[[0, 2]], frozen[[0, 2]])
    assert mine[1] == max(frozen[1], other[1])
    assert result.filled[0].tolist() == [False, True, False]


def test_what_is_said_is_held_against_what_is_shown(few_baselines, tmp_path):
    name = give(Odd("speaker", "says", on=(1,)))
    cases, found = measured([FLOOR, REFERENCE, *FEW, name], tmp_path, name)
    result = block_result(BLOCK, name, found, [c.id for c in cases], {})
    assert np.isfinite(result.agreement).tolist() == [False, True, False]
    assert 0.5 < result.agreement[1] < 4.0
    again = known_measurement(cases[1], name, tmp_path)
    assert again is not None and again.agreement == result.agreement[1]
    told = agreement(result.agreement)
    assert told["value"] == pytest.approx(result.agreement[1]) and told["interval"] is None
    assert agreement(found_nothing(result)) is None


def found_nothing(result):
    return np.full_like(result.agreement, np.nan)


def test_a_scenario_or_camera_that_a_model_lacks_is_told_apart_from_failures(few_baselines):
    model = Odd("picky")
    model.capabilities = dataclasses.replace(model.capabilities, cameras=("street",))
    name = give(model)
    cases, found = measured([FLOOR, REFERENCE, *FEW, name])
    result = block_result(BLOCK, name, found, [c.id for c in cases], {})
    assert not result.supported
    assert "cannot show camera 'side'" in result.unsupported[name]
    assert result.failures == {} and skill_shares(result, name) is None


def test_the_truth_scores_exactly_one_where_it_is_paired():
    cases, found = measured([FLOOR, TRUTH])
    for case in cases:
        truth, floor = (found[name][case.id].values["value"] for name in (TRUTH, FLOOR))
        for metric in metrics_of("free_fall"):
            if not metric.ensemble:
                assert truth.sel(metric=metric.name).equals(floor.sel(metric=metric.name))


def test_the_truth_as_an_ensemble_is_judged_without_the_member_that_comes_true():
    case = cases_of(SUITE, BLOCK)[0]
    truth = case.truth()
    seen, state = (tree["objects"]["position"].values[0]
                   for tree in (truth.ready.observed, truth.ready.state))
    judged = truth.ready.state["objects"]["judged"].values[0].all(axis=0)
    # Two members: each is forecast by the other one alone, whose fair CRPS is the distance.
    distance = np.mean([np.abs(seen[1 - r] - state[r]) for r in range(2)], axis=0).sum(axis=-1)
    expected = np.nanmean([np.nanmean(distance[t][judged[t]]) for t in range(5, 20)])
    value = measure_case(case, TRUTH).values["value"].sel(metric="trajectory.position_crps")
    np.testing.assert_allclose(float(value[0]), expected, rtol=1e-6)


def test_what_was_measured_is_not_measured_again_and_an_interrupted_run_goes_on(tmp_path):
    model = Odd("stopped", "interrupt", on=(2,))
    name = give(model)
    with pytest.raises(KeyboardInterrupt):
        measured([name], tmp_path, own=name)
    assert model.asked == [0, 1, 2]
    model.on = ()
    _, found = measured([name], tmp_path, own=name)
    assert model.asked == [0, 1, 2, 2] and len(found[name]) == 3
    assert sorted(p.name for p in (tmp_path / "dreams").iterdir()) == [
        f"free_fall-in_range-000{n}.entry" for n in range(3)]


@pytest.mark.parametrize("damage", [lambda raw: raw[:-9], lambda raw: raw[:200] + b"!" + raw[201:],
                                    lambda raw: b""])
def test_a_damaged_cache_entry_is_made_again_never_trusted(damage):
    case = cases_of(SUITE, BLOCK)[1]
    before = case.truth().ready
    folder = measuring.cache_folder() / "truths" / case.key[:2]
    path = folder / f"{case.key}.entry"
    path.write_bytes(damage(path.read_bytes()))
    again = case.truth().ready
    xr.testing.assert_equal(before.video["side"], again.video["side"])
    entry = measuring.place_of(measuring.measured_key(case, FLOOR), case, None)
    measure_case(case, FLOOR)
    entry.write_bytes(damage(entry.read_bytes()))
    assert known_measurement(case, FLOOR, None) is None


def test_a_whole_run_leaves_the_same_result_twice(tmp_path, few_baselines, monkeypatch):
    from evaluation.benchmark import report

    def run(where, cache):
        monkeypatch.setenv("WORLDSIM_CACHE", str(tmp_path / cache))
        monkeypatch.setattr(report, "write_report", lambda folder: folder)
        directory = RunDirectory.claim(tmp_path / where, {"suite": SUITE.id}, BENCH_OUTPUTS)
        with directory.opened("command", {}):
            bench.run_suite(SUITE, "mujoco:gravity=-30%", Selection(limit=2), directory, workers=1,
                            stages=lambda total: api_quiet(total), what_if=False, command="command")
        return json.loads((tmp_path / where / "result.json").read_text())

    from evaluation.benchmark.api import _Quiet as api_quiet

    first, second = run("a", "first"), run("b", "second")
    for one in (first, second):
        one.pop("seconds")
        [block.pop("seconds") for block in one["blocks"]]
    assert first == second
    assert first["unofficial_because"][0] == "only part of the suite was run"
    assert first["cases"] == 2 and first["failed"] == 0
    read = BenchResult.load(tmp_path / "a")
    assert read.skill == first["overall"]["skill"]["value"] < 1
    assert "unofficial" in read.in_words() or "part of the suite" in read.in_words()
    assert read.to_latex().count("\\hline") == 4
    assert [tick.get_text() for tick in read.plot().get_yticklabels()] == ["free fall"]
    with xr.open_datatree(tmp_path / "a" / "result.nc") as stored:
        value = stored["free_fall-in_range"]["value"]
        assert value.sel(model="baseline:frozen", metric="trajectory.ade").notnull().all()


def test_response_curves_of_the_simulator_and_of_a_frozen_picture():
    sweep = Sweep("free_fall", "gravity", (6.0, 7.0, 9.0, 10.0, 12.0), "fall", cases=2,
                  realizations=1, duration=0.5)
    curves = curves_of(SUITE, dataclasses.replace(sweep, null=False), REFERENCE, None, workers=1)
    time = 0.35
    # Nothing but gravity acts: half g t squared.
    expected = -0.5 * np.array(sweep.levels) * time**2
    np.testing.assert_allclose(curves.own.truth, np.tile(expected, (2, 1)), rtol=2e-3)
    found = statistics_of(curves)
    assert found["slope"].value == pytest.approx(1, abs=0.05)
    assert found["determination"].value > 0.98 and found["rank"].value == pytest.approx(1)
    assert curves.in_range == [True] * 5
    flat = statistics_of(curves, np.tile(curves.own.dream[:, :1], (1, 5)))
    assert flat["slope"].value == 0 and flat["determination"].value < 0


def test_an_intervention_moves_the_truth_and_models_that_cannot_be_told_say_so():
    kick = Kick(0.5, "ball 1", velocity=(1.0, 0.0, 0.0))
    sweep = Sweep("free_fall", "push", (0.0, 0.4), "pushed", cases=1, realizations=1, kick=kick)
    curves = curves_of(SUITE, sweep, "baseline:frozen", None, workers=1)
    # A push of 0.4 m/s at 0.5 s has moved it 0.1 m by 0.75 s; nobody pushes at level 0.
    np.testing.assert_allclose(curves.own.truth, [[0.0, 0.1]], atol=2e-3)
    np.testing.assert_allclose(curves.ceiling.dream, curves.own.truth, atol=0.01)
    assert "cannot be told of interventions" in curves.own.unsupported
    assert statistics_of(curves)["slope"].value is None


def test_a_rung_is_as_wrong_as_itself(few_baselines):
    ladder = LADDERS["gravity"]
    cases, found = measured([FLOOR, REFERENCE, *FEW, ladder.model(0.1)])
    result = block_result(BLOCK, ladder.model(0.1), found, [c.id for c in cases], {})
    rows = [rungs_of(case, ladder, (0.05, 0.1, 0.2)) for case in cases]
    climbed = Climbed("gravity", "free_fall", (0.05, 0.1, 0.2),
                      {name: np.stack([row[name] for row in rows], axis=1) for name in rows[0]})
    (placed,) = equivalents([result], ladder.model(0.1), [climbed])
    assert placed.place.strength == pytest.approx(0.1, rel=1e-6)
    assert placed.text.startswith("as wrong as gravity too weak by ")
    # And the skill of the rungs falls.
    assert (np.diff(placed.skills) < 0).all()
    skill = pooled([skill_shares(result, ladder.model(0.1))], offset=1.0)
    assert placed.skills[2] < placed.skills[1] < placed.skills[0]
    assert skill.value == pytest.approx(placed.skills[1], abs=0.05)


def test_cases_are_those_of_their_number_whatever_the_block():
    longer = dataclasses.replace(BLOCK, cases=9)
    one, other = cases_of(SUITE, BLOCK)[2], cases_of(SUITE, longer)[2]
    assert one.scenario == other.scenario and one.key == other.key
    moved = Case(BLOCK, 2, SUITE.stream_seed + 1, one.scenario)
    assert moved.key != one.key
