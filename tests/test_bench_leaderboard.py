"""``worldsim bench leaderboard``: nothing is believed that does not come out again."""

from __future__ import annotations

import json
import shutil

import pytest
import xarray as xr
from compare_scenes import CACHE, SMALL, TINY, change_result, make_run, real_run

from evaluation.benchmark import recheck, suites
from evaluation.benchmark.leaderboard import leaderboard
from evaluation.benchmark.leaderboard_text import as_markdown, board_data
from evaluation.benchmark.recheck import against_dreams, against_tables, same
from evaluation.benchmark.report.stored import read_run
from evaluation.benchmark.rereading import stored_blocks
from worldsim.cli.bench.leaderboard import main
from worldsim.errors import InputError


@pytest.fixture(scope="module", autouse=True)
def published():
    """Two suites of this test, as if they were published as they are."""
    with pytest.MonkeyPatch.context() as patch:
        for suite in (SMALL, TINY):
            patch.setitem(suites.SUITES, suite.name, suite)
        patch.setattr(recheck, "locked", lambda: {s.id: s.digests() for s in (SMALL, TINY)})
        yield


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Runs by name: two that are alike, a worse one, and one that reports too much."""
    root = tmp_path_factory.mktemp("runs")
    made = {"good": 0.4, "alike": 0.38, "bad": 0.9, "liar": 0.6}
    found = {name: make_run(root / name, model=f"videos:{name}", error=error)
             for name, error in made.items()}
    change_result(found["liar"], lambda r: r["overall"]["skill"].update(value=0.99))
    return found


@pytest.fixture(scope="module")
def board(folders):
    return leaderboard([read_run(folder) for folder in folders.values()])


def names(entries):
    return [one.run.folder.name for one in entries]


def test_same_is_a_millionth_of_what_is_large_and_absolute_for_what_is_small():
    assert same(1.0, 1.0 + 9e-7) and not same(1.0, 1.0 + 2e-6)
    assert same(1e4, 1e4 + 5e-3) and not same(1e-9, 1e-9 + 2e-6)
    assert same(None, float("nan")) and not same(None, 0.0)


def test_runs_that_cannot_be_told_share_a_rank(board):
    ranks = dict(zip(names(board.ranked), [one.rank for one in board.ranked], strict=True))
    assert ranks == {"good": 1, "alike": 1, "liar": 3, "bad": 4}
    assert not board.apart


def test_ranks_follow_the_tables_not_the_report(board):
    liar = next(one for one in board.ranked if one.run.folder.name == "liar")
    assert [m.what for m in liar.mismatches] == ["overall skill"]
    assert liar.reported == 0.99 and liar.skill.value < 0.5
    assert all(not one.mismatches for one in board.ranked if one is not liar)


@pytest.mark.parametrize(("change", "what"), [
    (lambda r: r["blocks"][0]["skill"].update(value=0.7), "skill in free_fall-in_range"),
    (lambda r: r["blocks"][1]["metrics"][0].update(value=0.1),
     "trajectory.position_crps in pendulum-in_range"),
    (lambda r: r["overall"]["skill"].update(interval=[0.6, 0.7]), "lower end of overall skill"),
    (lambda r: r["blocks"][0].update(cases=99), "number of cases of free_fall-in_range"),
])
def test_whatever_is_reported_otherwise_is_found(folders, tmp_path, change, what):
    copy = tmp_path / "copy"
    shutil.copytree(folders["good"], copy)
    assert not against_tables(read_run(copy), stored_blocks(read_run(copy)))
    change_result(copy, change)
    run = read_run(copy)
    assert what in [m.what for m in against_tables(run, stored_blocks(run))]


def test_a_failure_must_count_as_the_worst_baseline(tmp_path):
    case = SMALL.blocks[0].case_id(5)
    folder = make_run(tmp_path / "failed", failed=(case,))
    run = read_run(folder)
    assert not against_tables(run, stored_blocks(run))
    change_tables(folder, lambda table: table["value"].loc[{
        "model": "videos:mine", "case": case}].__imul__(0.5) if case in table["case"] else None)
    run = read_run(folder)
    assert any("which failed" in m.what for m in against_tables(run, stored_blocks(run)))


def change_tables(folder, change):
    tables = read_run(folder).tables
    for table in tables.values():
        change(table)
    (folder / "result.nc").unlink()
    xr.DataTree.from_dict({f"/{n}": t for n, t in tables.items()}).to_netcdf(
        folder / "result.nc", engine="netcdf4")


# Listed apart


@pytest.mark.parametrize(("changes", "why"), [
    ({"limit": 8}, "only part of the suite was run"),
    ({"unsupported": ("pendulum",)}, "it cannot be asked about pendulum"),
    ({"digests": {"metrics": "old"}}, "metrics were of another version"),
])
def test_partial_and_other_runs_are_listed_apart(folders, tmp_path, changes, why):
    other = make_run(tmp_path / "other", **changes)
    found = leaderboard([read_run(f) for f in (other, folders["good"], folders["bad"])])
    assert names(found.ranked) == ["good", "bad"] and names(found.apart) == ["other"]
    assert why in found.apart[0].apart and found.apart[0].rank is None
    assert why in as_markdown(found)


def test_cases_that_were_dropped_are_missed_whatever_is_claimed(tmp_path, folders):
    folder = make_run(tmp_path / "short", limit=8)
    change_result(folder, lambda r: r.update(official=True, unofficial_because=[]))
    found = leaderboard([read_run(folder), read_run(folders["good"])])
    assert found.apart[0].apart == ("4 cases are missing, among them free_fall-in_range-0008",)


def test_what_is_not_as_published_is_unofficial(folders, monkeypatch):
    monkeypatch.setattr(recheck, "locked", lambda: {})
    found = leaderboard([read_run(folders["good"])])
    assert not found.ranked and "published" in found.apart[0].apart[0]


def test_another_suite_is_listed_apart(folders, tmp_path):
    other = make_run(tmp_path / "other")
    change_result(other, lambda r: r["suite"].update(id="gone-v3"))
    found = leaderboard([read_run(f) for f in (other, folders["good"], folders["bad"])])
    assert found.suite == "small-v1" and names(found.apart) == ["other"]
    assert found.apart[0].apart == ("it is of suite gone-v3",)


def test_one_run_is_named_once(folders):
    run = read_run(folders["good"])
    with pytest.raises(InputError, match="given twice"):
        leaderboard([run, run])


# Dreams


@pytest.fixture(scope="module")
def real(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WORLDSIM_CACHE", CACHE.name)
        yield real_run(tmp_path_factory.mktemp("runs") / "late")


def test_dreams_give_the_tables_again(real):
    run = read_run(real)
    found = against_dreams(run, stored_blocks(run))
    assert found.cases == (TINY.blocks[0].case_id(0),) and not found.wrong and not found.reason


@pytest.mark.parametrize("model", ["videos:late", "mujoco", "baseline:frozen", "floor"])
def test_tables_that_do_not_come_of_the_dreams_are_found(real, tmp_path, model):
    copy = tmp_path / "copy"
    shutil.copytree(real, copy)
    change_tables(copy, lambda table: table["value"].loc[{"model": model}].__imul__(1.001))
    run = read_run(copy)
    found = against_dreams(run, stored_blocks(run))
    assert found.wrong and all(f"by {model}" in one.what for one in found.wrong)
    entry = leaderboard([run]).apart[0]
    assert "its tables do not come of its dreams" in entry.apart


def test_a_first_case_that_failed_is_not_the_sample(tmp_path, monkeypatch, real):
    first, second = (TINY.blocks[0].case_id(n) for n in range(2))
    folder = real_run(tmp_path / "failed", failed=(first,))
    run = read_run(folder)
    assert against_dreams(run, stored_blocks(run)).cases == (second,)


# The command


def test_command_prints_80_columns_and_fails_on_a_mismatch(folders, tmp_path, capsys):
    out = tmp_path / "board.md"
    assert main([*map(str, folders.values()), "--md", str(out)]) == 1
    printed = capsys.readouterr().out
    assert all(len(line) <= 80 for line in printed.splitlines())
    assert "1 mismatch" in printed
    rows = [line for line in out.read_text().splitlines() if line.startswith("| 1 |")]
    assert len(rows) == 2 and "videos:good" in rows[0]
    assert main([str(folders["good"]), str(folders["bad"])]) == 0


def test_json_has_ranks_and_mismatches(folders, board, capsys):
    main([*map(str, folders.values()), "--json"])
    told = json.loads(capsys.readouterr().out)
    assert told == json.loads(json.dumps(board_data(board)))
    assert [one["rank"] for one in told["ranked"]] == [1, 1, 3, 4]
    assert told["ranked"][2]["mismatches"][0]["reported"] == 0.99
