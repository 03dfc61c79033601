"""``worldsim bench compare``: differences that add up, and runs that must not be compared."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
import xarray as xr
from compare_scenes import (
    CACHE,
    METRICS,
    SMALL,
    TINY,
    Made,
    blocks_of,
    change_result,
    make_run,
    real_run,
    write_tables,
)

from evaluation.benchmark import rescoring, suites
from evaluation.benchmark.compare import compare_runs
from evaluation.benchmark.compare_text import comparison_data
from evaluation.benchmark.measuring import Measured
from evaluation.benchmark.report.stored import read_run
from evaluation.benchmark.runner import measure_all
from worldsim.cli.bench.compare import main
from worldsim.errors import InputError

FAILED = tuple(SMALL.blocks[1].case_id(n) for n in (1, 3))
FITTED = SMALL.blocks[0].case_id(2)
RECORD = {"resampling": "bicubic", "rows": 32, "columns": 48, "cropped": 0.25, "fps": 8.0,
          "largest_offset": 0.02, "held": 0}


@pytest.fixture(scope="module", autouse=True)
def small_suites():
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(suites.SUITES, "small", SMALL)
        patch.setitem(suites.SUITES, "tiny", TINY)
        yield


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Of a better model, and of a worse one that failed twice and whose file was fitted once."""
    folder = tmp_path_factory.mktemp("runs")
    return make_run(folder / "a"), make_run(
        folder / "b", model="videos:other", error=0.6, failed=FAILED, alignment={FITTED: RECORD})


@pytest.fixture(scope="module")
def found(runs):
    return compare_runs(*map(read_run, runs))


def by_loops(runs, scenarios=SMALL.blocks):
    """{case: what it brings to A's skill less B's}, a scenario and metric at a time."""
    tables = [read_run(folder).tables for folder in runs]
    brought = {}
    for block in scenarios:
        a, b = (one[f"{block.scenario}-in_range"] for one in tables)
        own, other = str(a["model"].values[0]), str(b["model"].values[0])
        for case in a["case"].values:
            total = 0.0
            for metric in METRICS:
                def value(table, model, case=case, metric=metric):
                    return float(table["value"].sel(model=model, metric=metric, case=case))
                scale = np.mean([value(a, "baseline:frozen", c) - value(a, "mujoco", c)
                                 for c in a["case"].values])
                total += (value(b, other) - value(a, own)) / scale
            brought[str(case)] = total / len(METRICS) / len(a["case"]) / len(scenarios)
    return brought


# The difference


def test_difference_is_the_sum_of_what_cases_bring(runs, found):
    brought = by_loops(runs)
    assert found.overall.difference.value == pytest.approx(sum(brought.values()), abs=1e-12)
    assert found.causes.failures_part == pytest.approx(
        sum(brought[case] for case in FAILED), abs=1e-12)
    assert found.causes.fitted_part == pytest.approx(brought[FITTED], abs=1e-12)
    parts = found.causes.failures_part + found.causes.fitted_part + found.causes.rest
    assert parts == pytest.approx(found.overall.difference.value, abs=1e-12)


def test_difference_is_that_of_the_skills(found):
    for one in (found.overall, *found.blocks, *found.metrics):
        assert one.difference.value == pytest.approx(one.own.value - one.other.value, abs=1e-12)
        assert one.difference.interval.low < one.difference.value < one.difference.interval.high
    assert [one.name for one in found.metrics] == list(METRICS)
    assert np.mean([one.difference.value for one in found.metrics]) == pytest.approx(
        found.overall.difference.value, abs=1e-12)
    assert found.overall.verdict == "better"


def test_the_other_way_round_it_is_the_opposite(runs, found):
    turned = compare_runs(*map(read_run, reversed(runs)))
    assert turned.overall.difference.value == pytest.approx(-found.overall.difference.value)
    assert turned.overall.difference.interval.low == pytest.approx(
        -found.overall.difference.interval.high)
    assert turned.overall.verdict == "worse"
    assert turned.overall.needed == found.overall.needed


def test_without_failures_the_failed_cases_are_gone(runs, found, tmp_path):
    rest = found.causes.without_failures
    assert rest.cases == 20 - len(FAILED)
    # The same runs, cut to the cases that neither failed.
    cut = []
    for folder in runs:
        copy = tmp_path / folder.name
        shutil.copytree(folder, copy)
        tables = read_run(copy).tables
        (copy / "result.nc").unlink()
        xr.DataTree.from_dict({
            f"/{name}": t.sel(case=[c for c in t["case"].values if c not in FAILED])
            for name, t in tables.items()}).to_netcdf(copy / "result.nc", engine="netcdf4")
        change_result(copy, lambda r: r.update(failures={}))
        cut.append(read_run(copy))
    again = compare_runs(*cut).overall.difference
    assert rest.difference.value == pytest.approx(again.value, abs=1e-12)
    assert rest.difference.interval.low == pytest.approx(again.interval.low, abs=1e-9)


def test_a_run_against_itself_cannot_be_told(runs):
    run = read_run(runs[0])
    found = compare_runs(run, run)
    assert found.overall.difference.value == 0 and found.overall.verdict == "cannot be told"
    said = " ".join(comparison_data(found)["words"])
    assert "cannot be told from chance" in said and "the same model and weights" in said


def test_only_what_both_have_is_compared(runs, tmp_path):
    part = make_run(tmp_path / "part", limit=8, unsupported=("pendulum",))
    found = compare_runs(read_run(part), read_run(runs[1]))
    assert [(one.name, one.cases) for one in found.blocks] == [("free_fall-in_range", 8)]
    assert "A cannot be asked" in found.left_out["pendulum-in_range"]
    assert any("2 cases that only one run has" in note for note in found.notes)


def test_another_machines_baselines_are_told(runs, tmp_path):
    copy = tmp_path / "copy"
    shutil.copytree(runs[0], copy)
    blocks = blocks_of(Made())
    blocks[0].value.loc[{"model": "mujoco"}] *= 1.01
    (copy / "result.nc").unlink()
    write_tables(copy, blocks)
    change_result(copy, lambda r: r.update(versions={"worldsim": "0.1.0", "mujoco": "9"}))
    notes = " ".join(compare_runs(read_run(copy), read_run(runs[0])).notes)
    assert "differ by up to 0.0099 of their size" in notes
    assert "mujoco 9 and none" in notes


# Refusals


def refused(runs, change, allow_mixed=False, tmp_path=None):
    copy = tmp_path / "copy"
    shutil.copytree(runs[0], copy)
    change_result(copy, change)
    with pytest.raises(InputError) as caught:
        compare_runs(read_run(runs[1]), read_run(copy), allow_mixed=allow_mixed)
    message = str(caught.value)
    assert "\n" not in message
    return message


def test_other_suites_are_refused(runs, tmp_path):
    said = refused(runs, lambda r: r["suite"].update(id="quick-v1"), tmp_path=tmp_path)
    assert "they are of the suites small-v1 and quick-v1" in said
    assert "`worldsim bench run --model videos:mine --suite small --out runs/x-again`" in said


def test_other_seeds_are_refused(runs, tmp_path):
    said = refused(runs, lambda r: r["suite"].update(seed=8), tmp_path=tmp_path)
    assert "the seeds 7 and 8" in said and "--seed 7`" in said


@pytest.mark.parametrize(("part", "words"), [
    ("definition", "the suite's cases"), ("data", "simulates and films"),
    ("instruments", "reads videos"), ("metrics", "compares what was read")])
def test_other_digests_are_refused_with_the_run_to_repeat(runs, tmp_path, part, words):
    said = refused(runs, lambda r: r["suite"]["digests"].update({part: "old"}), tmp_path=tmp_path)
    assert words in said and f"({part} " in said and " and old)" in said
    assert f"{tmp_path / 'copy'}, which is not of this version, again: `worldsim bench" in said
    assert str(runs[1]) + ", which" not in said
    assert ("--allow-mixed" in said) == (part in ("instruments", "metrics"))


def test_mixing_needs_dreams_and_the_same_truths(runs, tmp_path):
    digests = {"metrics": "old"}
    said = refused(runs, lambda r: r["suite"]["digests"].update(digests), True, tmp_path)
    assert "kept no dreams" in said
    shutil.rmtree(tmp_path / "copy")
    said = refused(runs, lambda r: r["suite"]["digests"].update(data="old"), True, tmp_path)
    assert "which scores" not in said


# Two versions of the instruments


def cheap(cases, models, folder, **more):
    """`measure_all`, with the baselines that need a bank of rollouts not asked."""
    dear = {"baseline:constant-velocity", "baseline:climatology", "baseline:nearest"}
    found = measure_all(cases, [m for m in models if m not in dear], folder, **more)
    return found | {m: {c.id: Measured(c.id, m, unsupported="not asked") for c in cases}
                    for m in dear}


def test_kept_dreams_tell_what_instruments_bring(tmp_path, monkeypatch):
    monkeypatch.setenv("WORLDSIM_CACHE", CACHE.name)
    monkeypatch.setattr(rescoring, "measure_all", cheap)
    late, later = real_run(tmp_path / "late", late=1), real_run(tmp_path / "later", late=3)
    fresh = compare_runs(read_run(late), read_run(later))
    assert fresh.overall.difference.value > 0
    # As if older instruments had read every dream of the first run a tenth worse.
    old = tmp_path / "old"
    shutil.copytree(late, old)
    tables = read_run(old).tables
    for table in tables.values():
        table["value"].loc[{"model": "videos:late", "metric": list(METRICS)}] *= 1.1
    (old / "result.nc").unlink()
    xr.DataTree.from_dict({f"/{n}": t for n, t in tables.items()}).to_netcdf(
        old / "result.nc", engine="netcdf4")
    change_result(old, lambda r: r["suite"]["digests"].update(instruments="old"))
    with pytest.raises(InputError, match="--allow-mixed"):
        compare_runs(read_run(old), read_run(later))
    mixed = compare_runs(read_run(old), read_run(later), allow_mixed=True)
    assert mixed.mixed.of == (True, False)
    assert mixed.overall.difference.value == pytest.approx(fresh.overall.difference.value, abs=1e-9)
    assert mixed.mixed.recomputed[0].value == pytest.approx(fresh.overall.own.value, abs=1e-9)
    first, second = mixed.mixed.parts
    assert first < -1e-3 and second == 0
    reported = mixed.mixed.reported[0].value - mixed.mixed.reported[1].value
    assert mixed.overall.difference.value + first + second == pytest.approx(reported, abs=1e-9)
    assert "by today's code" in " ".join(comparison_data(mixed)["words"])


# The command


def test_command_fits_80_columns(runs, capsys):
    assert main([str(folder) for folder in runs]) == 0
    printed = capsys.readouterr().out
    assert all(len(line) <= 80 for line in printed.splitlines()[2:])  # folders may be long
    plain = " ".join(printed.split())
    assert "A is better than B" in plain and "2 cases (0 of A, 2 of B)" in plain
    assert "B resampled from 32x48 (bicubic), cropped by 25 %" in plain


def test_json_says_the_same(runs, capsys, found):
    assert main([*map(str, runs), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["schema"] == "worldsim-bench-compare/1"
    assert told["overall"]["difference"]["value"] == pytest.approx(found.overall.difference.value)
    assert told["overall"]["verdict"] == "better"
    parts = [told["causes"][name]["part"] for name in ("models", "failures", "alignment")]
    assert sum(parts) == pytest.approx(told["overall"]["difference"]["value"], abs=1e-8)
    assert set(told["causes"]["failures"]["cases"]) == set(FAILED)
