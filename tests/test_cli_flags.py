"""What is mistyped is refused in one line that says what to type instead."""

import dataclasses
import subprocess
import sys
from pathlib import Path
from typing import Literal

import pytest

from worldsim.cli import main
from worldsim.cli.flags import parse, parse_with_scenario
from worldsim.errors import InputError
from worldsim.scenario import scenario_class


@dataclasses.dataclass(frozen=True)
class Options:
    out: Path
    """Where to."""
    cases: int = 2
    """How many."""
    speed: float = 1.0
    """How fast."""
    kind: Literal["timber", "steel"] = "timber"
    """What of."""
    quiet: bool = False
    """Say less."""


def refusal(*args):
    with pytest.raises(InputError) as refused:
        parse(Options, args, command="worldsim test", description="Test.")
    assert "\n" not in str(refused.value)
    return str(refused.value)


def test_flags_are_parsed():
    options = parse(Options, ["--out", "a", "--cases=3", "--speed", "-1.5", "--quiet"],
                    command="worldsim test", description="Test.")
    assert options == Options(Path("a"), 3, -1.5, quiet=True)


def test_an_unknown_flag_gets_the_corrected_command():
    assert "`worldsim test --out a --cases 3`" in refusal("--out", "a", "--casse", "3")
    assert "`worldsim test --out 'a b' --cases=3`" in refusal("--out", "a b", "--casse=3")


def test_a_flag_like_nothing_points_to_the_help():
    assert "worldsim test --help" in refusal("--out", "a", "--xyzzy", "3")


def test_a_number_with_its_unit_is_refused_with_what_to_give():
    assert refusal("--out", "a", "--speed", "6m").startswith("--speed 6m: give a plain number")
    assert "whole number" in refusal("--out", "a", "--cases", "2.5")


def test_an_unknown_choice_gets_the_nearest():
    assert "did you mean timber?" in refusal("--out", "a", "--kind", "timbre")


def test_what_tyro_refuses_is_one_line_too():
    assert "--out" in refusal("--cases", "3")
    assert "extra" in refusal("--out", "a", "extra")
    assert "--cases" in refusal("--out", "a", "--cases")


def test_every_parameter_of_a_scenario_is_a_flag_with_its_range_in_the_help(capsys):
    with pytest.raises(SystemExit) as stop:
        parse_with_scenario(Options, ["tsunami", "--help"], verb="worldsim test",
                            description="Test.")
    assert stop.value.code == 0
    text = " ".join(capsys.readouterr().out.replace("│", " ").split())
    for name, spec in scenario_class("tsunami").parameters().items():
        assert f"--{name.replace('_', '-')}" in text
        if not spec.choices:
            low, high = spec.physical
            assert f"{low:g} to {high:g} {spec.unit}" in text


def test_scenario_values_and_options_are_separated():
    scenario, options = parse_with_scenario(
        Options, ["tsunami", "--wave-height", "5", "--out", "a", "--cases", "4"],
        verb="worldsim test", description="Test.")
    assert scenario.wave_height == 5.0
    assert options == Options(Path("a"), 4)


@pytest.mark.parametrize("args, expected", [
    (["run", "tsunamy", "--out", "a"], "worldsim run tsunami --out a"),
    (["run"], "name a scenario first"),
    (["run", "--out", "a"], "name a scenario first"),
    (["runn", "tsunami"], "worldsim run tsunami"),
    (["run", "tsunami", "--wave-hight", "6", "--out", "a"],
     "worldsim run tsunami --wave-height 6 --out a"),
    (["run", "tsunami", "--wave-height", "6m", "--out", "a"], "plain number in m"),
    (["run", "tsunami", "--wave-height", "600", "--out", "a"], "physical range"),
    (["run", "tsunami", "--wave-height", "nan", "--out", "a"], "physical range"),
    (["run", "tsunami", "--building", "timbre", "--out", "a"], "did you mean timber"),
    (["simulate", "tsunami", "--cases", "0", "--out", "a"], "cases"),
    (["run", "tsunami", "--realizations", "0", "--out", "a"], "realizations"),
    (["run", "tsunami", "--seed", "-1", "--out", "a"], "seed"),
    (["run", "tsunami", "--duration", "0", "--out", "a"], "duration"),
    (["run", "tsunami", "--model", "worldsim-smal", "--out", "a"], "worldsim-small"),
    (["run", "tsunami"], "--out"),
    (["show", "nowhere"], "not a run directory"),
    (["cite", "nowhere"], "not a run directory"),
    (["report", "nowhere"], "not a run directory"),
])
def test_bad_input_is_one_line_on_stderr_with_exit_code_2(args, expected, capsys, tmp_path,
                                                          monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(args) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("worldsim: ") and err.count("\n") == 1 and err.endswith("\n")
    assert expected in err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("args", [["simulate"], ["view", "pendulum"], ["simulate", "tower"]])
def test_help_fits_into_80_columns(args, monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", "80")
    with pytest.raises(SystemExit):
        main([*args, "--help"])
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) > 4 and max(map(len, lines)) <= 80


def test_what_nobody_reads_any_more_ends_without_a_complaint():
    command = "import sys; from worldsim.cli import entry_point; entry_point()"
    with subprocess.Popen([sys.executable, "-c", command, "scenarios", "--json"],
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        process.stdout.close()
        assert process.wait(60) == 141
        assert process.stderr.read() == b""
