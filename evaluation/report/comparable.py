"""Whether two runs can be held against each other, draw by draw, and what they differ in."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from worldsim.errors import InputError
from worldsim.scenario import scenario_class

ALIKE = ("worldsim", "seed", "cases", "realizations", "duration")
"""Parts of a run's definition that decide which draws are made, or how."""


def read_definition(run: Path) -> dict[str, Any]:
    """The definition of a run that has its truth.

    Raises
    ------
    InputError : not a run directory, or without its truth.
    """
    file = run / "run.json"
    if not file.is_file():
        raise InputError(f"{run} is not a run directory (no run.json in it)")
    record = json.loads(file.read_text("utf-8"))
    if not (run / "truth.zarr").exists():
        raise InputError(f"{run} has no truth.zarr yet; finish it with `{record['command']}`")
    definition: dict[str, Any] = record["definition"]
    return definition


def check_comparable(runs: tuple[Path, Path],
                     definitions: tuple[Mapping[str, Any], Mapping[str, Any]]) -> None:
    """Refuse two runs whose differences would not be those of their parameters alone.

    Raises
    ------
    InputError : other scenario, version, seed, number of members or length; or no difference.
    """
    (name_a, name_b), (a, b) = runs, definitions
    for part, there, here in (
        *((f"scenario {key}", a["scenario"][key], b["scenario"][key])
          for key in ("name", "version")),
        *((key, a[key], b[key]) for key in ALIKE),
    ):
        if there != here:
            raise InputError(f"{name_a} and {name_b} cannot be compared: {part} is {there} in the "
                             f"first and {here} in the second; {_advice(part, there)}")
    if not differences(a, b):
        raise InputError(f"{name_a} and {name_b} ask the same question, so there is nothing to "
                         "compare; give two runs that differ in a parameter")


def _advice(part: str, wanted: object) -> str:
    if part in ("seed", "cases", "realizations", "duration"):
        return f"run the second again with --{part} {wanted} and another --out"
    if part == "scenario name":
        return "give two runs of one scenario"
    return "run the older one again with this version and another --out"


def differences(a: Mapping[str, Any], b: Mapping[str, Any]) -> dict[str, tuple[str, str]]:
    """What two definitions were set to differently: parameter -> values with unit, in words."""
    parameters = scenario_class(a["scenario"]["name"]).parameters()
    before, after = a["scenario"]["parameters"], b["scenario"]["parameters"]
    told = {}
    for name in before:
        if before[name] != after.get(name):
            unit = parameters[name].unit if name in parameters else ""
            told[name.replace("_", " ")] = (_words(before[name], unit),
                                            _words(after.get(name), unit))
    return told


def _words(value: object, unit: str) -> str:
    number = f"{value:g}" if isinstance(value, int | float) else str(value)
    return f"{number}\N{NO-BREAK SPACE}{unit}" if unit not in ("", "1") else number
