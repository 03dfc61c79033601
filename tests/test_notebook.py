"""The notebooks run from top to bottom, and their two forms say the same."""

from pathlib import Path

import jupytext
import nbformat
import pytest
from nbclient import NotebookClient

NOTEBOOKS = sorted((Path(__file__).parents[1] / "notebooks").glob("*.ipynb"))
SECONDS = 220


def test_there_are_notebooks():
    assert [notebook.name for notebook in NOTEBOOKS] == ["01_what_if.ipynb"]


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


@pytest.fixture(scope="module")
def executed(tmp_path_factory):
    """The what-if notebook after it ran, in a folder of its own, as a newcomer runs it."""
    notebook = nbformat.read(NOTEBOOKS[0], as_version=4)
    NotebookClient(
        notebook, timeout=SECONDS, kernel_name="python3",
        resources={"metadata": {"path": str(tmp_path_factory.mktemp("notebook"))}},
    ).execute()
    return notebook


@pytest.mark.slow
@pytest.mark.timeout(SECONDS + 20)
def test_what_if_notebook_runs_shows_pictures_and_answers(executed):
    outputs = [output for cell in executed.cells for output in cell.get("outputs", [])]
    pictures = [output for output in outputs if "image/png" in output.get("data", {})]
    said = "".join(output.text for output in outputs if output.get("name") == "stdout")
    assert len(pictures) == 3
    assert "simulated: raising the wave from 3 to 6 m changes the wet area by +" in said
    assert "the dream responds in the" in said
    assert "averaged over 1 case" in said
