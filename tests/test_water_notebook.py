"""The tutorial of the water alone runs and shows what it says."""

from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

NOTEBOOK = Path(__file__).parents[1] / "notebooks" / "03_shallow_water.ipynb"


@pytest.mark.slow
def test_shallow_water_notebook_runs(tmp_path):
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    NotebookClient(
        notebook,
        timeout=200,
        kernel_name="python3",
        resources={"metadata": {"path": str(tmp_path)}},
    ).execute()
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    said = "".join(output.text for output in outputs if output.get("name") == "stdout")
    assert sum("image/png" in output.get("data", {}) for output in outputs) == 2
    assert "failed: False" in said and "depth at x = 745 m" in said
