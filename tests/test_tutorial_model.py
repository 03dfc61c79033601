"""The tutorial of one's own model does what it says, block by block."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

TUTORIAL = Path(__file__).parents[1] / "notebooks" / "05_your_own_model.md"
BLOCK = re.compile(r"^```(\w+)(?: ([^\n]*))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def blocks():
    """(language, what is said of it, text) of every block of code."""
    return [match.groups() for match in BLOCK.finditer(TUTORIAL.read_text())]


def test_the_model_takes_twenty_lines(blocks):
    (text,) = (text for _, said, text in blocks if said == "file=swinging.py")
    assert sum(bool(line.strip()) for line in text.splitlines()) <= 20


@pytest.mark.slow
def test_every_command_of_the_tutorial_says_what_it_prints(blocks, tmp_path):
    for _, said, text in blocks:
        if said and said.startswith("file="):
            (tmp_path / said.removeprefix("file=")).write_text(text)
    consoles = [text for language, _, text in blocks if language == "console"]
    assert len(consoles) == 2
    for text in consoles:
        command, *expected = text.splitlines()
        program, *args = shlex.split(command.removeprefix("$ "))
        ours = ["-m", "worldsim"] if program == "worldsim" else []
        done = subprocess.run(
            [sys.executable, *ours, *args], cwd=tmp_path, capture_output=True, text=True,
            check=False, env={**os.environ, "PYTHONPATH": str(tmp_path)})
        assert done.returncode == 0, done.stderr
        said = done.stdout.splitlines()
        assert said[-1] == expected[-1]
        if "..." not in expected:
            assert said == expected
    assert "unofficial" in (tmp_path / "runs/try/report.html").read_text().lower()
