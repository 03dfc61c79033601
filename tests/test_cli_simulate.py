"""`worldsim simulate` of scenarios without a town, of splits; what is refused."""

import json

import numpy as np
import pytest

from worldsim.cli import main
from worldsim.rollout import open as open_rollout
from worldsim.scenario import make, scenario_class
from worldsim.splits import Purpose, Split, purpose_of, split_of

SMALL = ["simulate", "free_fall", "--duration", "1", "--cases", "2", "--realizations", "1", "--out"]


@pytest.fixture(scope="module")
def simulated(tmp_path_factory):
    out = tmp_path_factory.mktemp("runs") / "a"
    assert main([*SMALL, str(out)]) == 0
    return out


def test_bodies_alone_are_simulated_and_nothing_follows_for_a_town(simulated):
    assert {path.name for path in simulated.iterdir()} >= {"truth.zarr", "run.json"}
    assert not (simulated / "truth_outcomes.nc").exists()
    with open_rollout(simulated / "truth.zarr") as truth:
        assert "water" not in truth and "structures" not in truth
        assert truth["bodies"]["time"].values[[0, -1]].tolist() == [0.0, 1.0]


def test_the_same_command_finds_it_done(simulated, capsys, monkeypatch):
    from worldsim.cli import run_stages

    monkeypatch.setattr(run_stages, "simulate_truth", lambda *_: pytest.fail("done before"))
    assert main([*SMALL, str(simulated)]) == 0
    assert "truth_outcomes" not in capsys.readouterr().out


def test_a_truth_of_bodies_is_shown_and_cited_without_water(simulated, capsys):
    assert main(["show", str(simulated)]) == 0
    said = capsys.readouterr().out
    assert "0 of 2 members failed" in said and "penetration" in said
    assert "dream" not in said, "no dream was asked for"
    assert main(["cite", str(simulated)]) == 0
    said = capsys.readouterr().out
    assert "shallow-water" not in said and "MuJoCo" in said and "audusse" not in said


@pytest.mark.parametrize("args", [
    ["run", "free_fall"], ["run", "free_fall", "--model", "baseline:frozen"],
    ["run", "pendulum", "--model", "mujoco:gravity=-20%"],
])
def test_what_has_no_scores_is_refused_before_any_work(args, tmp_path, capsys):
    assert main([*args, "--out", str(tmp_path / "a")]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and f"worldsim simulate {args[1]} --out" in said
    assert not (tmp_path / "a").exists()


def test_no_report_is_promised_where_there_are_no_scores(simulated, capsys):
    assert main(["report", str(simulated)]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and "scores and reports" in said


def test_split_draws_every_case_and_seeds_are_those_of_tests(tmp_path):
    out = tmp_path / "inside"
    assert main(["simulate", "free_fall", "--split", "inside", "--duration", "1", "--cases", "3",
                 "--realizations", "1", "--seed", "4", "--out", str(out)]) == 0
    definition = json.loads((out / "run.json").read_text())["definition"]
    assert definition["split"] == "inside"
    assert purpose_of(definition["seed"]) == (Purpose.TEST, 4)
    cls = scenario_class("free_fall")
    with open_rollout(out / "truth.zarr") as truth:
        table = truth["parameters"].dataset.load()
    for case in range(3):
        codes = {name: float(table[name][case]) for name in cls.parameters()}
        assert split_of(cls.from_codes(codes)) is Split.INSIDE
    continuous = [name for name, spec in cls.parameters().items()
                  if not spec.choices and not spec.whole]
    assert all(len(np.unique(table[name])) > 1 for name in continuous)


@pytest.mark.parametrize("args, expected", [
    (["--split", "insid"], "did you mean inside"),
    (["--split", "outside", "--gravity", "5"], "leave --gravity away"),
    (["--duration", "1.25"], "multiple of 0.1 s"),
    (["--duration", "50"], "1 to 3 s"),
])
def test_bad_input_is_one_line_and_writes_nothing(args, expected, tmp_path, capsys):
    assert make("free_fall").duration == 3
    assert main(["simulate", "free_fall", *args, "--out", str(tmp_path / "a")]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and expected in said
    assert not (tmp_path / "a").exists()


def test_a_split_that_a_scenario_lacks_is_refused(tmp_path, capsys):
    assert main(["simulate", "tsunami", "--split", "inside", "--out", str(tmp_path / "a")]) == 2
    assert "has no split 'inside'; it has in_range" in capsys.readouterr().err
