"""Suites: what their ids promise; digests; the metrics' catalogue; pairs of members."""

import subprocess
import sys

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

import worldsim
from evaluation.benchmark import code_digest
from evaluation.benchmark.cases import case_by_id, cases_of
from evaluation.benchmark.responses import RESPONSES
from evaluation.benchmark.store import load_entry, save_entry
from evaluation.benchmark.suites import SUITES, Sweep, locked, suite_named
from evaluation.metrics import METRICS as TOWN_METRICS
from evaluation.metrics.catalogue import CATALOGUE, metric_named, metrics_of
from evaluation.metrics.metric import Sample
from evaluation.metrics.motion import METRICS as MOTION
from evaluation.physics_iq.style import physics_iq_style
from worldsim.scenario import scenario_class
from worldsim.splits import Purpose, Split, purpose_of, split_of


@pytest.mark.parametrize("suite", SUITES.values(), ids=lambda suite: suite.id)
def test_a_suite_is_as_its_id_was_published(suite):
    assert locked()[suite.id] == suite.digests(), (
        "data, instruments, metrics or cases changed: raise the suites' version, say so under "
        "'Scores change:' in CHANGELOG.md, and run python -m evaluation.benchmark.lock")


def test_quick_is_the_first_of_core_and_core_of_full():
    quick, core, full = (SUITES[name] for name in ("quick", "core", "full"))
    for small, large in ((quick, core), (core, full)):
        blocks = {(b.scenario, b.split): b for b in large.blocks}
        for block in small.blocks:
            twin = blocks[block.scenario, block.split]
            a, b = cases_of(small, block, 1)[0], cases_of(large, twin, 1)[0]
            assert a.key == b.key and a.id == b.id and block.cases <= twin.cases


def test_cases_are_of_the_split_they_say_and_of_seeds_that_only_tests_draw_from():
    for block in SUITES["full"].blocks:
        assert split_of(SUITES["full"].scenario_of(block, 3)) is block.split
    for suite in SUITES.values():
        assert purpose_of(suite.stream_seed)[0] is Purpose.TEST


def test_fresh_draws_its_seed_and_takes_one_back():
    one, other = suite_named("fresh"), suite_named("fresh")
    assert one.seed != other.seed and one.blocks == SUITES["core"].blocks
    again = suite_named("fresh", one.seed)
    block = one.blocks[0]
    assert again.scenario_of(block, 0) == one.scenario_of(block, 0)
    with pytest.raises(worldsim.InputError, match="has a seed of its own"):
        suite_named("quick", 3)


def test_unknown_names_give_the_nearest():
    with pytest.raises(worldsim.InputError, match="did you mean 'quick'"):
        suite_named("quik")
    with pytest.raises(worldsim.InputError, match="did you mean 'free_fall-in_range-0003'"):
        case_by_id(SUITES["quick"], "free_fall-inrange-0003")
    with pytest.raises(worldsim.InputError, match=r"did you mean 'trajectory\.ade'"):
        metric_named("trajectory.ad")


def test_sweeps_have_levels_a_tenth_of_the_range_apart_in_range_and_beyond():
    for sweep in SUITES["core"].sweeps:
        spec = scenario_class(sweep.scenario).parameters().get(sweep.parameter)
        assert sweep.response in RESPONSES
        if sweep.null:
            continue
        steps = np.diff(sweep.levels)
        assert len(sweep.levels) >= 8
        assert (steps <= 0.1 * np.ptp(sweep.levels) + 1e-9).all() and (steps > 0).all()
        if sweep.kick is None:
            assert not spec.extrapolates(sweep.levels[0]) and spec.extrapolates(sweep.levels[-1])
            for level in sweep.levels:
                spec.check(sweep.parameter, level)


def test_levels_of_a_sweep_change_nothing_else():
    suite = SUITES["core"]
    sweep = next(s for s in suite.sweeps if s.name == "free_fall.gravity")
    block = suite.blocks[0]
    low, high = (sweep.scenario_at(suite, block, 2, level) for level in (6.0, 12.0))
    assert {k for k, v in low.values().items() if high.values()[k] != v} == {"gravity"}
    assert Sweep("free_fall", "colour", ("red",), "fall").scenario_at(
        suite, block, 2, "red").colour == "red"


def test_digests_see_code_and_not_how_it_is_written():
    source = (
        'X = Metric("a", headline=True, unit="m")\ndef f(x):\n    """Doc."""\n    return x + 1\n')
    same = 'X = Metric("a", unit="m")  # told\n\n\ndef f(x):\n    "Other."\n    return (x + 1)\n'
    bare = code_digest._bare
    assert bare(source) == bare(same)
    assert bare(source) != bare(source.replace("+ 1", "+ 2"))
    assert bare(source) != bare(source.replace('"m"', '"s"'))


def test_every_group_of_code_digests_is_there():
    groups = (code_digest.DATA, code_digest.INSTRUMENTS, code_digest.METRICS, code_digest.MODELS)
    assert len({code_digest.code_digest(group) for group in groups}) == 4


def test_entries_come_back_as_they_were_saved(tmp_path):
    tree = xr.DataTree.from_dict({
        "/": xr.Dataset(attrs={"key": "ä", "none": None}),
        "/a/b": xr.Dataset({"x": (("case", "t"), np.arange(6.0).reshape(2, 3), {"units": "m"}),
                            "yes": ("case", np.array([True, False]))},
                           coords={"case": [4, 5], "name": ("case", ["p", "q"])}),
    })
    save_entry(tmp_path / "one.entry", tree)
    again = load_entry(tmp_path / "one.entry")
    xr.testing.assert_identical(again, tree)
    assert load_entry(tmp_path / "none.entry") is None


def test_metrics_have_one_name_each_and_a_scenario_has_those_it_can_be_read_for():
    names = [metric.name for metric in CATALOGUE]
    assert len(set(names)) == len(names)
    assert {m.name for m in TOWN_METRICS if not m.cameras} <= set(names)
    assert all("." in name for name in names)
    free_fall, town = ({m.name for m in metrics_of(s)} for s in ("free_fall", "tsunami"))
    assert "trajectory.position_crps" in free_fall - town
    assert "water.wet_area_brier" in town - free_fall


videos = st.integers(0, 2**32 - 1).map(
    lambda seed: np.random.default_rng(seed).integers(0, 256, (2, 3, 6, 16, 16, 3), np.uint8))


def film(values):
    return xr.DataArray(
        values, dims=("case", "realization", "time", "row", "column", "channel"),
        coords={"case": [3, 7], "realization": range(3), "time": np.arange(6) / 10})


@settings(max_examples=8, deadline=None)
@given(videos, videos)
def test_pairs_compared_at_once_are_pairs_compared_one_by_one(dream, truth):
    tree = xr.DataTree.from_dict({"water": xr.Dataset({
        "wet": (("case", "realization", "time"), dream[..., 0, 0, 0] > 99),
        "place": ("case", np.array([1.0, 2.0]))})})
    sample = Sample(tree, tree, {"main": film(dream)}, {"main": film(truth)}, 2)
    together = sample.paired([0, 1, 2], [2, 1, 0])
    np.testing.assert_array_equal(together.observed["water"]["place"], [1, 1, 1, 2, 2, 2])
    for metric in MOTION[:3]:
        at_once = metric.compute(together).values.reshape(2, 3)
        for pair, (member, other) in enumerate(((0, 2), (1, 1), (2, 0))):
            alone = metric.compute(sample.pick([member], [other])).values
            np.testing.assert_allclose(at_once[:, pair], alone, atol=1e-12)
    wet = together.observed["water"]["wet"].values.reshape(2, 3, 6)
    np.testing.assert_array_equal(wet, tree["water"]["wet"].values)


@settings(max_examples=8, deadline=None)
@given(videos, videos)
def test_motion_metrics_are_those_of_physics_iq(dream, truth):
    sample = Sample(xr.DataTree(), xr.DataTree(), {"main": film(dream)}, {"main": film(truth)})
    score = MOTION[3].compute(sample).values
    one = sample.pick([0], [0])
    for case in range(2):
        expected = physics_iq_style(dream[case, 0], truth[case, 0], truth[case, 1], 10.0)
        np.testing.assert_allclose(score[case], expected["verified"], atol=1e-9)
        for metric, name in zip(MOTION[:3], ("SP", "ST", "WS"), strict=True):
            np.testing.assert_allclose(metric.compute(one).values[case], expected[name], atol=1e-9)


def test_the_command_line_lists_and_refuses(tmp_path):
    def call(*args):
        return subprocess.run([sys.executable, "-m", "worldsim", "bench", *args], text=True,
                              capture_output=True, check=False, cwd=tmp_path)

    listed = call("list")
    assert listed.returncode == 0 and all(s.id in listed.stdout for s in SUITES.values())
    assert max(map(len, call("--help").stdout.splitlines())) <= 80
    for args, said in (
        (("rum",), "did you mean `worldsim bench run`"),
        (("run", "--model", "mujoco", "--suite", "qick", "--out", "x"), "did you mean 'quick'"),
        (("run", "--model", "mujocco", "--out", "x"), "did you mean 'mujoco'"),
        (("run", "--model", "videos:nowhere", "--out", "x"), "'nowhere' is no folder"),
        (("run", "--model", "mujoco", "--limit", "0", "--out", "x"), "--limit 0"),
        (("run", "--model", "mujoco", "--scenario", "tower", "--out", "x"), "no scenario 'tower'"),
        (("check", "nowhere"), "nowhere is no folder"),
        (("ladders", "--ladder", "gravty", "--out", "x"), "did you mean 'gravity'"),
    ):
        refused = call(*args)
        assert refused.returncode == 2 and said in refused.stderr, refused.stderr
        assert len(refused.stderr.splitlines()) == 1
    assert not any(tmp_path.iterdir())
    assert Split.IN_RANGE.value in call("list", "--suite", "quick").stdout


def test_a_result_is_shown_cited_and_not_compared_as_if_it_were_a_what_if(tmp_path, capsys):
    from worldsim.cli import main
    from worldsim.rollout import software_versions
    from worldsim.run_directory import BENCH_OUTPUTS, RunDirectory

    suite = SUITES["quick"]
    definition = {"suite": suite.id, "suite_seed": suite.seed, "suite_digests": suite.digests(),
                  "model": "truth", "model_identity": "0", "limit": None, "scenarios": [],
                  "what_if": True}
    for name in ("a", "b"):
        run = RunDirectory.claim(tmp_path / name, definition, BENCH_OUTPUTS)
        with run.opened("worldsim bench run ...", software_versions()):
            (tmp_path / name / "result.json").write_text("{}")
    assert main(["show", str(tmp_path / "a")]) == 0
    shown = capsys.readouterr().out
    assert "holds       result.json" in shown and "stale" not in shown
    assert main(["cite", str(tmp_path / "a")]) == 0
    cited = capsys.readouterr().out
    assert "We scored truth on the suite quick-v1" in cited and "ferro2014fair" in cited
    assert main(["report", str(tmp_path / "a"), str(tmp_path / "b"), "--out",
                 str(tmp_path / "c.html")]) == 2
    assert "worldsim bench compare" in capsys.readouterr().err
    stale = RunDirectory.claim(tmp_path / "d", definition | {
        "suite_digests": suite.digests() | {"data": "older"}}, BENCH_OUTPUTS)
    with stale.opened("worldsim bench run ...", software_versions()):
        (tmp_path / "d" / "result.json").write_text("{}")
    assert main(["show", str(tmp_path / "d")]) == 0
    assert "the data of suite quick-v1 changed since" in capsys.readouterr().out


def test_truths_keep_observables_that_have_groups_of_their_own():
    from evaluation.benchmark.cases import _children, _under

    deep = xr.DataTree.from_dict({
        "/water": xr.Dataset({"wet": ("case", [True])}),
        "/outcomes": xr.Dataset({"symptoms": ("case", [0.1])}),
        "/outcomes/structures": xr.Dataset({"present": ("case", [True])}),
    })
    packed = xr.DataTree.from_dict(_under("/state", deep))
    xr.testing.assert_identical(_children(packed["state"]), deep)
