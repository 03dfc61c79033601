"""``worldsim scenarios``: what can be simulated; of those named, parameters, splits and checks."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import tyro

from worldsim.cli.flags import parse
from worldsim.errors import InputError
from worldsim.scenario import Scenario, list_scenarios, scenario_class
from worldsim.splits import describe as describe_splits


@dataclasses.dataclass(frozen=True)
class Options:
    names: Annotated[tyro.conf.Positional[tuple[str, ...]],
                     tyro.conf.arg(metavar="[NAME ...]")] = ()
    """Scenarios to tell all about; without any, all are listed in a line each."""
    json: bool = False
    """Print JSON: all about those named, or about all."""
    catalogue: Annotated[Path | None, tyro.conf.arg(metavar="FILE")] = None
    """Write a page with pictures (.html) of those named, or of all; some minutes for all."""


def main(args: Sequence[str]) -> int:
    """List the scenarios of all installed packages."""
    options = parse(Options, args, command="worldsim scenarios",
                    description="List the scenarios, or tell all about those named.")
    classes = [scenario_class(name) for name in options.names or list_scenarios()]
    if options.catalogue is not None:
        return _catalogue(classes, options.catalogue)
    if options.json:
        print(json.dumps([describe(cls) for cls in classes], indent=2))
    elif options.names:
        for cls in classes:
            _print(cls)
    else:
        width = max(len(cls.name) for cls in classes)
        for cls in classes:
            print(f"{cls.name:<{width}}  {cls.summary}, {cls.duration:g} s")
        print("\n`worldsim scenarios NAME` tells all about one, `worldsim view NAME` shows it.")
    return 0


def _catalogue(classes: Sequence[type[Scenario]], out: Path) -> int:
    if out.suffix != ".html" or out.is_dir():
        raise InputError(f"--catalogue {out}: give a file name that ends in .html")
    from worldsim.cli.catalogue import write_catalogue
    from worldsim.cli.progress import Stages

    with Stages(1).stage(f"draw {len(classes)} scenarios") as advance:
        write_catalogue(classes, out, advance)
    print(f"catalogue: {out} ({out.stat().st_size / 1e6:.1f} MB)")
    return 0


def describe(cls: type[Scenario]) -> dict[str, Any]:
    """A scenario's declaration as plain data."""
    defaults = {field.name: field.default for field in dataclasses.fields(cls)}
    return {
        "name": cls.name,
        "version": cls.version,
        "summary": cls.summary,
        "duration_s": cls.duration,
        "size_px": list(cls.size),
        "frames_per_second": cls.fps,
        "splits": {split.value: text for split, text in describe_splits(cls).items()},
        "observables": [dataclasses.asdict(observable) for observable in cls.observables],
        "checks": [dataclasses.asdict(check) for check in cls.checks],
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
    for column in ("allowed (models train on)", "meaning"):
        table.add_column(column)
    for name, row in described["parameters"].items():
        unit = "" if row["unit"] == "1" else f" {row['unit']}"
        if "choices" in row:
            allowed, trained = ", ".join(row["choices"]), "all"
        else:
            allowed, trained = ("{:g} to {:g}".format(*row[key]) + unit
                                for key in ("physical", "training"))
        default = row["default"] if "choices" in row else f"{row['default']:g}{unit}"
        model = f"train: {trained}" if row["seen"] else "models: not told"
        table.add_row(f"--{name.replace('_', '-')}", str(default), f"{allowed}\n{model}",
                      row["meaning"])
    console = Console(width=None)
    console.print(table)
    for title, rows in _further(described).items():
        if rows:
            further = Table(title=title, title_justify="left", box=SIMPLE_HEAD, pad_edge=False,
                            show_header=False)
            for row in rows:
                further.add_row(*(Text(cell) for cell in row))
            console.print(further)


def _further(described: Mapping[str, Any]) -> dict[str, list[tuple[str, ...]]]:
    """Rows of the tables that follow the parameters."""
    return {
        "Splits": list(described["splits"].items()),
        "Observables": [(o["name"], "" if o["unit"] == "1" else o["unit"], o["meaning"])
                        for o in described["observables"]],
        "Closed forms that tests hold the simulator to": [
            (c["name"], c["formula"], f"within {c['tolerance']:g}", c["source"])
            for c in described["checks"]],
    }
