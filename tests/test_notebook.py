"""The notebooks run from top to bottom, and their two forms say the same."""

import re
from pathlib import Path

import jupytext
import nbformat
import pytest
from nbclient import NotebookClient

FOLDER = Path(__file__).parents[1] / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))
SECONDS = 500
"""Most that a notebook may take; on two quiet cores the longest takes about one minute."""


def test_there_are_notebooks():
    assert [notebook.name for notebook in NOTEBOOKS] == [
        "01_what_if.ipynb", "02_ground_truth.ipynb", "02b_town.ipynb",
        "03_benchmark_your_model.ipynb", "03_shallow_water.ipynb", "04_world_model.ipynb",
    ]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_equals_its_script_and_ships_without_output(path):
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    script = jupytext.read(path.with_suffix(".py"))
    repair = f"run `jupytext --to ipynb {path.with_suffix('.py').name}` in notebooks/"
    assert [(c.cell_type, c.source) for c in notebook.cells] == [
        (c.cell_type, c.source) for c in script.cells
    ], repair
    assert not any(cell.get("outputs") for cell in notebook.cells)


def execute(name, folder):
    """What a notebook printed and how many pictures it showed, run in a folder of its own, as a
    newcomer runs it."""
    notebook = nbformat.read(FOLDER / f"{name}.ipynb", as_version=4)
    NotebookClient(
        notebook, timeout=SECONDS, kernel_name="python3",
        resources={"metadata": {"path": str(folder)}},
    ).execute()
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    pictures = [output for output in outputs if "image/png" in output.get("data", {})]
    said = "".join(output.text for output in outputs if output.get("name") == "stdout")
    return said, len(pictures)


@pytest.mark.slow
@pytest.mark.timeout(SECONDS + 20)
def test_what_if_notebook_runs_shows_pictures_and_answers(tmp_path):
    said, pictures = execute("01_what_if", tmp_path)
    assert pictures == 4
    assert "simulated: raising the wave from 3 to 6 m changes the wet area by +" in said
    assert "the dream responds in the" in said
    assert "The dream's water reaches the first building" in said


@pytest.mark.slow
@pytest.mark.timeout(SECONDS + 20)
def test_ground_truth_notebook_runs_and_every_row_passes(tmp_path):
    said, pictures = execute("02_ground_truth", tmp_path)
    assert "FAIL" not in said and said.count("   pass\n") >= 8
    assert pictures + said.count("not run") == 7
    assert "failed members: 0" in said


@pytest.mark.slow
@pytest.mark.timeout(SECONDS + 20)
def test_town_notebook_runs_and_an_early_warning_saves_people(tmp_path):
    said, pictures = execute("02b_town", tmp_path)
    assert pictures == 3
    assert "books of mass, momentum and energy do not close: 0" in said
    early = said.partition("warned early, less as it is")[2]
    safer = re.search(r"people safe +([0-9.]+) \[([0-9.]+), ", early)
    assert safer and float(safer[2]) > 40, "of 100 people, in every realization"
    assert re.search(r"buildings down +0.0 \[0.0, 0.0\]", early), "a warning holds up no wave"
    assert "95% prediction interval" in said


@pytest.mark.slow
@pytest.mark.timeout(SECONDS + 20)
def test_shallow_water_tutorial_runs_and_its_books_close(tmp_path):
    said, pictures = execute("03_shallow_water", tmp_path)
    assert pictures == 2
    assert "failed: False" in said and "mass explained to" in said
    assert "depth at x = 745 m" in said


@pytest.mark.slow
@pytest.mark.timeout(SECONDS + 20)
def test_benchmark_notebook_runs_and_tells_a_bad_model_from_weak_gravity(tmp_path):
    said, pictures = execute("03_benchmark_your_model", tmp_path)
    assert pictures == 1
    assert "the model does what it declares" in said
    assert "only part of the suite" in said, "what cannot be told comes with the answer"
    weak, sinking = map(float, re.search(
        r"gravity off by 10%: skill ([-0-9.]+); sinking: ([-0-9.]+)", said).groups())
    assert sinking < 0.6 < weak < 1
    assert "\\begin{tabular}" in said and (tmp_path / "sinking" / "report.html").is_file()


@pytest.mark.slow
@pytest.mark.timeout(SECONDS + 20)
def test_world_model_notebook_asks_in_several_modes_and_streams(tmp_path):
    said, pictures = execute("04_world_model", tmp_path)
    assert pictures == 6
    assert "free_fall" in said and "extrapolates: ['gravity']" in said
    gaps = re.findall(r"shown against said: ([0-9.]+) m", said)
    assert len(gaps) == 2 and max(map(float, gaps)) < 0.1, "in a square and at 16:9"
    assert re.search(r"streamed at [0-9]+ frames/s", said)
