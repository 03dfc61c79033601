"""A result as it lies in its folder."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import xarray as xr

from worldsim.errors import InputError

SCHEMA = "worldsim-bench/1"


@dataclasses.dataclass(frozen=True)
class StoredRun:
    """A finished run.

    result : ``result.json``. tables : ``value`` (model, metric, case) and ``series`` (model,
    metric, case, time) of every block, by ``<scenario>-<split>``.
    """

    folder: Path
    result: Mapping[str, Any]
    tables: Mapping[str, xr.Dataset]

    @property
    def model(self) -> str:
        """The name of what was scored."""
        return str(self.result["model"]["name"])


def read_result(path: Path) -> dict[str, Any]:
    """A ``result.json``.

    Raises
    ------
    worldsim.InputError : there is none, or it is of another form.
    """
    try:
        result = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(f"{path} is not there; `worldsim bench run` writes it when all cases are "
                         "scored") from None
    except ValueError as error:
        raise InputError(f"{path} is no JSON ({error}); repeat the command in run.json") from error
    found = result.get("schema") if isinstance(result, dict) else None
    if found != SCHEMA:
        raise InputError(f"{path} has the schema {found!r}; this version reads {SCHEMA!r}")
    return dict(result)


def read_run(folder: Path) -> StoredRun:
    """A result with its tables; a block without one has no curves.

    Raises
    ------
    worldsim.InputError : something is missing, or cannot be read.
    """
    result = read_result(folder / "result.json")
    path = folder / "result.nc"
    if not path.is_file():
        raise InputError(f"{path} is not there; repeat the command in {folder / 'run.json'}")
    try:
        with xr.open_datatree(path, engine="netcdf4") as tree:
            tables = {name: child.to_dataset().load() for name, child in tree.children.items()}
    except (OSError, ValueError) as error:
        raise InputError(f"{path} cannot be read ({error}); repeat the run's command") from error
    return StoredRun(folder, result, tables)


def block_name(block: Mapping[str, Any]) -> str:
    """Of a block's table and cases."""
    return f"{block['scenario']}-{block['split']}"


def block_title(block: Mapping[str, Any]) -> str:
    """A block for people: the split only where it is not what models are trained on."""
    scenario, split = (str(block[key]).replace("_", " ") for key in ("scenario", "split"))
    return scenario if split == "in range" else f"{scenario}, {split}"


def metric_title(name: str) -> str:
    """A metric for people."""
    return name.replace("_", " ").replace(".", ": ", 1)
