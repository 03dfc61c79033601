"""The tutorial's package is installed as it stands, found by its entry point, and does as told."""

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

TUTORIAL = Path(__file__).parents[1] / "notebooks" / "04_your_own_scenario.md"
BLOCK = re.compile(r"^```(\w+)(?: ([^\n]*))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def blocks():
    """(language, what is said of it, text) of every block of code."""
    return [match.groups() for match in BLOCK.finditer(TUTORIAL.read_text())]


@pytest.fixture(scope="module")
def at_work(blocks, tmp_path_factory):
    """Calls a program in a folder where the tutorial's package is installed."""
    folder = tmp_path_factory.mktemp("reader")
    for _, said, text in blocks:
        if said and said.startswith("file="):
            path = folder / said.removeprefix("file=")
            path.parent.mkdir(exist_ok=True)
            path.write_text(text)
    installed = folder / "site"
    subprocess.run(
        [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation",
         "--target", installed, folder / "stacked_drop"], check=True)

    def call(*args):
        return subprocess.run(args, cwd=folder, capture_output=True, text=True, check=False,
                              env={**os.environ, "PYTHONPATH": str(installed)})

    return folder, call


def test_the_scenario_takes_forty_lines(blocks):
    (text,) = (text for _, said, text in blocks if said and said.endswith("stacked_drop.py"))
    body = text[text.index("@dataclass"):]
    assert sum(bool(line.strip()) for line in body.splitlines()) <= 40


def test_every_command_of_the_tutorial_runs(blocks, at_work):
    folder, call = at_work
    (shell,) = (text for language, _, text in blocks if language == "shell")
    installing, *commands = shell.splitlines()
    assert installing == "pip install ./stacked_drop"
    assert {command.split()[1] for command in commands} == {"scenarios", "view", "simulate"}
    for command in commands:
        verb, *args = shlex.split(command)
        assert verb == "worldsim"
        done = call(sys.executable, "-m", "worldsim", *args)
        assert done.returncode == 0, done.stderr
    assert {path.name for path in folder.glob("*.png")} == {"stacked_drop.png", "outside.png"}
    listed = call(sys.executable, "-m", "worldsim", "scenarios", "--json").stdout
    mine = {row["name"]: row for row in json.loads(listed)}["stacked_drop"]
    assert list(mine["parameters"]) == ["height", "mass_ratio", "restitution"]
    assert "combination" in mine["splits"]


def test_its_closed_form_holds(blocks, at_work):
    _, call = at_work
    (program,) = (text for _, said, text in blocks if said == "run")
    done = call(sys.executable, "-c", program)
    assert done.returncode == 0, done.stderr
    thrown, expected, fell = map(float, re.findall(r"([\d.]+) m/s", done.stdout))
    assert thrown == pytest.approx(expected, rel=0.05)
    assert expected > 2 * fell * 0.9


def test_wrong_input_is_refused_by_the_declaration(at_work):
    _, call = at_work
    done = call(sys.executable, "-m", "worldsim", "simulate", "stacked_drop", "--height", "3",
                "--out", "a")
    assert done.returncode == 2
    assert "give 0.1 to 0.8 m" in done.stderr and done.stderr.count("\n") == 1
