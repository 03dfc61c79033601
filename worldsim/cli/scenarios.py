"""``worldsim scenarios``: what can be simulated, with parameters, units and ranges."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from typing import Any

from worldsim.cli.flags import parse
from worldsim.scenario import Scenario, list_scenarios, scenario_class


@dataclasses.dataclass(frozen=True)
class Options:
    json: bool = False
    """Print JSON instead of tables."""


def main(args: Sequence[str]) -> int:
    """List the scenarios of all installed packages."""
    options = parse(Options, args, command="worldsim scenarios",
                    description="List the scenarios with parameters, units and ranges.")
    classes = [scenario_class(name) for name in list_scenarios()]
    if options.json:
        print(json.dumps([describe(cls) for cls in classes], indent=2))
    else:
        for cls in classes:
            _print(cls)
    return 0


def describe(cls: type[Scenario]) -> dict[str, Any]:
    """A scenario's declaration as plain data."""
    defaults = {field.name: field.default for field in dataclasses.fields(cls)}
    return {
        "name": cls.name,
        "version": cls.version,
        "summary": cls.summary,
        "duration_s": cls.duration,
        "parameters": {
            name: {"meaning": spec.meaning, "unit": spec.unit, "default": defaults[name],
                   "seen": spec.seen} | (
                {"choices": list(spec.choices)} if spec.choices
                else {"physical": list(spec.physical), "training": list(spec.training)})
            for name, spec in cls.parameters().items()
        },
    }


def _print(cls: type[Scenario]) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    described = describe(cls)
    table = Table(title=Text(f"{cls.name}: {cls.summary}"), title_justify="left", box=SIMPLE_HEAD,
                  pad_edge=False)
    for column in ("parameter", "default"):
        table.add_column(column, no_wrap=True)
    for column in ("allowed (model: trained on)", "meaning"):
        table.add_column(column)
    for name, row in described["parameters"].items():
        unit = "" if row["unit"] == "1" else f" {row['unit']}"
        if "choices" in row:
            allowed, trained = ", ".join(row["choices"]), "all"
        else:
            allowed, trained = ("{:g} to {:g}".format(*row[key]) + unit
                                for key in ("physical", "training"))
        default = row["default"] if "choices" in row else f"{row['default']:g}{unit}"
        model = f"model: {trained}" if row["seen"] else "model: not told"
        table.add_row(f"--{name.replace('_', '-')}", str(default), f"{allowed}\n{model}",
                      row["meaning"])
    Console(width=None).print(table)
