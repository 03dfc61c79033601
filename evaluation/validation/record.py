"""What a validation run leaves behind: plain data, a JSON file, a Markdown table, plots."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from evaluation.validation.case import Check, Outcome

SCHEMA_VERSION = 1
VERDICTS = {True: "pass", False: "FAIL", None: "–"}


def as_data(outcomes: Sequence[Outcome], versions: dict[str, str]) -> dict[str, Any]:
    """The whole run as plain data, for JSON.

    Numbers that are not finite become null. `cases` holds every case tried: `status` is
    "passed", "failed" or "not run"; `reason` says why it was not run or failed before its rows.
    """
    return {
        "schema_version": SCHEMA_VERSION,
        "versions": versions,
        "summary": summary(outcomes),
        "cases": [
            {
                "name": outcome.case.name,
                "title": outcome.case.title,
                "source": outcome.case.source,
                "needs": outcome.case.needs,
                "status": outcome.status,
                "reason": outcome.missing or outcome.failure,
                "seconds": round(outcome.seconds, 2),
                "checks": [_check(check) for check in outcome.checks],
            }
            for outcome in outcomes
        ],
    }


def _check(check: Check) -> dict[str, Any]:
    return {
        "quantity": check.quantity,
        "unit": check.unit,
        "error": _finite(check.error),
        "tolerance": check.tolerance,
        "order": _finite(check.order),
        "least_order": check.least_order,
        "cells": list(check.cells),
        "passed": check.passed,
        "note": check.note,
    }


def _finite(value: float | None) -> float | None:
    return float(value) if value is not None and math.isfinite(value) else None


def summary(outcomes: Sequence[Outcome]) -> dict[str, int]:
    """Counts of cases by status and of rows by verdict."""
    rows = [check.passed for outcome in outcomes for check in outcome.checks]
    states = [outcome.status for outcome in outcomes]
    return {
        "cases_passed": states.count("passed"),
        "cases_failed": states.count("failed"),
        "cases_not_run": states.count("not run"),
        "rows_passed": rows.count(True),
        "rows_failed": rows.count(False),
        "rows_reported": rows.count(None),
    }


def in_words(outcomes: Sequence[Outcome]) -> str:
    """One sentence: what passed, what failed, what was only reported, what was not run."""
    count = summary(outcomes)
    gated = count["rows_passed"] + count["rows_failed"]
    parts = [f"{count['rows_passed']} of {gated} rows pass"]
    if count["rows_reported"]:
        parts.append(f"{count['rows_reported']} more are only reported")
    failed = [o.case.name for o in outcomes if o.status == "failed"]
    if failed:
        parts.append(f"failed: {', '.join(failed)}")
    missing = [o.case.name for o in outcomes if o.status == "not run"]
    if missing:
        parts.append(f"not run: {', '.join(missing)}")
    return "; ".join(parts)


def number(value: float | None) -> str:
    """A number of the table."""
    if value is None:
        return ""
    if not math.isfinite(value):
        return "not finite"
    return "0" if value == 0 else f"{value:.2g}"


def goal(check: Check) -> str:
    """What the row is held to."""
    parts = []
    if check.tolerance is not None:
        parts.append(f"≤ {number(check.tolerance)}")
    if check.least_order is not None:
        parts.append(f"order ≥ {check.least_order:g}")
    return ", ".join(parts)


def markdown(outcomes: Sequence[Outcome], versions: dict[str, str], command: str) -> str:
    """The page of a run: how it was made, the table, notes and sources."""
    lines = [
        "# Validation of the simulator", "",
        f"Made by `{command}` with "
        + ", ".join(f"{name} {version}" for name, version in versions.items()) + ".", "",
        in_words(outcomes) + ".", "",
        "| case | quantity | error | goal | order | verdict |",
        "|---|---|---:|---|---:|---|",
    ]
    for outcome in outcomes:
        for check in outcome.checks:
            unit = "" if check.unit == "1" else f" [{check.unit}]"
            order = "" if check.order is None else f"{check.order:.2f}"
            lines.append(f"| {outcome.case.name} | {check.quantity}{unit} | {number(check.error)} "
                         f"| {goal(check)} | {order} | {VERDICTS[check.passed]} |")
        if outcome.status == "not run" or outcome.failure:
            word = "not run" if outcome.missing else "FAIL"
            lines.append(f"| {outcome.case.name} | {outcome.missing or outcome.failure} "
                         f"| | | | {word} |")
    for outcome in outcomes:
        lines += ["", f"## {outcome.case.name}", "",
                  f"{outcome.case.title}. {outcome.case.source}. {outcome.seconds:.1f} s.", ""]
        lines += [f"- {check.quantity}: {check.note}"
                  + (f"; cells along x {', '.join(map(str, check.cells))}" if check.cells else "")
                  for check in outcome.checks if check.note or check.cells]
        if any(check.panels for check in outcome.checks):
            lines += ["", f"![{outcome.case.title}]({outcome.case.name}.png)"]
    return "\n".join(lines) + "\n"


def write(outcomes: Sequence[Outcome], folder: Path, versions: dict[str, str],
          command: str) -> list[Path]:
    """Write `validation.json`, `README.md` and one plot a case into `folder`; what was written."""
    from evaluation.validation.figures import draw

    folder.mkdir(parents=True, exist_ok=True)
    written = [folder / "validation.json", folder / "README.md"]
    written[0].write_text(json.dumps(as_data(outcomes, versions), indent=1) + "\n")
    written[1].write_text(markdown(outcomes, versions, command))
    for outcome in outcomes:
        panels = [panel for check in outcome.checks for panel in check.panels]
        if panels:
            written.append(folder / f"{outcome.case.name}.png")
            draw(panels, outcome.case.title, written[-1])
    return written
