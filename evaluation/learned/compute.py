"""Error against compute: ``python -m evaluation.learned.compute LOG...``.

Reads the logs of trainings that continue each other (`metrics.jsonl`) and prints, for every error
in physical units that they hold, its values against operations, a power law through them (Kaplan et
al. 2020, "Scaling laws for neural language models"), and what operations it asks for to halve the
last error. A law through fewer than `LEAST` points, or one that does not fall, is not drawn.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from worldsim.errors import InputError, run_program

LEAST = 3
"""Points of a power law."""


@dataclasses.dataclass(frozen=True)
class Curve:
    """One error along trainings: operations (n,) until then, and the error (n,) by its name."""

    name: str
    operations: np.ndarray
    error: np.ndarray

    @property
    def exponent(self) -> float:
        """b of error = a * operations^-b by least squares of the logarithms; NaN of too few."""
        if len(self.error) < LEAST:
            return float("nan")
        return float(-np.polyfit(np.log(self.operations), np.log(self.error), 1)[0])

    @property
    def to_halve(self) -> float:
        """How many times the last operations halve the last error; NaN where none are said to."""
        return float(2 ** (1 / self.exponent)) if self.exponent > 0 else float("nan")


def curves(logs: Iterable[Sequence[dict[str, Any]]]) -> list[Curve]:
    """The errors of trainings one after another; operations are added up over all of them."""
    found: dict[str, list[tuple[float, float]]] = {}
    spent = 0.0
    for rows in logs:
        before = 0.0
        for row in rows:
            if "gflops" in row:
                spent += (row["minutes"] - before) * 60 * row["gflops"] * 1e9
                before = row["minutes"]
            for name, value in row.get("validation", {}).items():
                if "[" in name:  # with a unit
                    found.setdefault(name, []).append((spent, value))
    return [Curve(name, *np.array(points).T) for name, points in found.items()]


def read(path: Path) -> list[dict[str, Any]]:
    """The rows of a log.

    Raises
    ------
    InputError : no such file, or not a log.
    """
    try:
        rows = [json.loads(line) for line in path.read_text().splitlines() if line.strip()]
    except (OSError, json.JSONDecodeError) as error:
        raise InputError(f"{path} is no log of a training ({error})") from error
    if not any("validation" in row for row in rows):
        raise InputError(f"{path} holds no validation in physical units; train with "
                         "`worldsim train`, which measures them")
    return rows


def table(found: Sequence[Curve]) -> str:
    """The curves as Markdown."""
    spent = sorted({value for curve in found for value in curve.operations})
    lines = ["| error | " + " | ".join(f"{value / 1e15:.2f} PFLOP" for value in spent)
             + " | falls like | half of it asks for |",
             "|---|" + "---:|" * len(spent) + "---|---|"]
    for curve in found:
        at = dict(zip(curve.operations, curve.error, strict=True))
        cells = [f"{at[value]:.4g}" if value in at else "" for value in spent]
        law = f"C^-{curve.exponent:.2f}" if curve.exponent > 0 else "no law"
        more = f"{curve.to_halve:.3g} times as much" if curve.exponent > 0 else ""
        lines.append(f"| {curve.name} | {' | '.join(cells)} | {law} | {more} |")
    return "\n".join(lines)


def main(args: Sequence[str]) -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m evaluation.learned.compute",
                                     description="Errors of trainings against their compute.")
    parser.add_argument("logs", type=Path, nargs="+", help="metrics.jsonl of one run after another")
    options = parser.parse_args(args)
    print(table(curves([read(path) for path in options.logs])))
    return 0


if __name__ == "__main__":
    run_program(main)
