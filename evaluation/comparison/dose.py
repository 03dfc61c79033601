"""Is a bigger wave never better? Damage, exposure and deaths against wave height, on equal draws.

``python -m evaluation.comparison.dose --out records/comparison`` simulates one street of 12
buildings of all four types under 8 wave heights with 64 realizations each, the same hidden draws
at each height, and takes the differences between adjacent heights realization by realization. An
adjacent decrease whose 95% interval excludes zero is a failure: the exit status is then 1. Heights
that were simulated before (``--work``) are not simulated again.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import xarray as xr

from evaluation.bootstrap import mean_interval
from evaluation.validation.case import Curve, Panel
from evaluation.validation.figures import draw
from worldsim import outcomes
from worldsim.scenario import Scenario, make, scenario_class
from worldsim.simulator.structures import TYPES
from worldsim.simulator.world import simulate

HEIGHTS = np.arange(1.0, 8.5, 1.0)
"""m"""

SEED = 4001
DURATION = 20.0
BUILDINGS = 12

QUANTITIES = {
    "damage": ("mean damage state (0 none .. 5 washed away)", "1"),
    "buildings_down": ("buildings that came down or were washed away", "1"),
    "exposure": ("people's largest depth times speed, mean", "m2 s-1"),
    "people_carried_off": ("people that the water carried off", "1"),
    "deaths": ("expected deaths", "1"),
}


def street_case(name: str = "tsunami") -> int:
    """The first case of the seed with 12 buildings of all four types."""
    scenario = make(name, building="mixed")
    for case in range(1000):
        found = scenario.scene(SEED, case).buildings
        if len(found) == BUILDINGS and {b.type.name for b in found} == set(TYPES):
            return case
    raise AssertionError("no such street among a thousand")


def measured(scenario: Scenario, case: int, realizations: int, workers: int) -> dict[str, list]:
    """Each quantity per realization, and how many members failed their audit."""
    truth = simulate(
        scenario, cases=1, realizations=realizations, seed=SEED, duration=DURATION,
        case_numbers=[case], workers=workers, compiled=realizations >= 32,
    )
    seen = outcomes.assess(truth).isel(case=0)
    states = seen["buildings_in_state"]
    level = np.arange(states.sizes["state"])
    people = truth["people"].to_dataset().isel(case=0)
    exposure = people["max_depth_velocity"].where(people["present"]).mean("person")
    values = {
        "damage": (states * xr.DataArray(level, dims="state")).sum("state") / states.sum("state"),
        "exposure": exposure,
    } | {name: seen[name] for name in QUANTITIES if name in seen}
    failed = int(truth["audit"]["failed"].values.sum())
    assert not failed, f"{failed} members failed their audit"
    return {name: np.asarray(values[name], dtype=float).tolist() for name in QUANTITIES}


def differences(table: dict[str, np.ndarray]) -> list[dict]:
    """Per quantity and pair of adjacent heights: the mean difference and its 95% interval.

    Parameters
    ----------
    table : quantity to (height, realization), the same draws in each row.
    """
    rows = []
    for name, values in table.items():
        for k in range(len(values) - 1):
            change = values[k + 1] - values[k]
            interval = mean_interval(change)
            falls = interval.high is not None and interval.high < 0
            rows.append({"quantity": name, "pair": k, "change": float(change.mean()),
                         "low": interval.low, "high": interval.high, "falls": bool(falls)})
    return rows


def main(args: Sequence[str]) -> int:
    """Simulate what is missing, write table and figure; 1 if a bigger wave is better somewhere."""
    parser = argparse.ArgumentParser(prog="python -m evaluation.comparison.dose",
                                     description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="where dose.md, .json, .png go")
    parser.add_argument("--work", type=Path, help="where finished heights are kept; OUT by default")
    parser.add_argument("--realizations", type=int, default=64)
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args(args)
    work = options.work or options.out
    for folder in (options.out, work):
        folder.mkdir(parents=True, exist_ok=True)
    case, version = street_case(), scenario_class("tsunami").version
    found = {}
    for height in HEIGHTS:
        kept = work / f"dose_v{version}_{options.realizations}_{height:g}.json"
        if not kept.exists():
            begun = time.monotonic()
            values = measured(make("tsunami", wave_height=float(height), building="mixed"), case,
                              options.realizations, options.workers)
            kept.write_text(json.dumps(values))
            print(f"{height:g} m: {time.monotonic() - begun:.0f} s", file=sys.stderr, flush=True)
        found[height] = json.loads(kept.read_text())
    table = {name: np.array([found[height][name] for height in HEIGHTS]) for name in QUANTITIES}
    rows = differences(table)
    text = report(table, rows, case, options.realizations, version)
    (options.out / "dose.md").write_text(text)
    (options.out / "dose.json").write_text(json.dumps(
        {"scenario": "tsunami", "version": version, "seed": SEED, "case": case,
         "duration": DURATION, "heights": HEIGHTS.tolist(), "differences": rows,
         "means": {name: values.mean(1).tolist() for name, values in table.items()}}, indent=1)
        + "\n")
    draw(panels(table), f"{options.realizations} draws of one street, {DURATION:g} s",
         options.out / "dose.png")
    print(text)
    return int(any(row["falls"] for row in rows))


def panels(table: dict[str, np.ndarray]) -> list[Panel]:
    """A plot per quantity: the mean and the middle 90% of the realizations."""
    return [
        Panel(title=name.replace("_", " "), x_label="wave height [m]",
              y_label=f"{meaning} [{unit}]" if unit != "1" else meaning,
              curves=(Curve(HEIGHTS, table[name].mean(1), "mean"),
                      Curve(HEIGHTS, np.percentile(table[name], 5, axis=1), "5%", "dashed"),
                      Curve(HEIGHTS, np.percentile(table[name], 95, axis=1), "95%", "dashed")))
        for name, (meaning, unit) in QUANTITIES.items()
    ]


def report(table: dict[str, np.ndarray], rows: list[dict], case: int, realizations: int,
           version: int) -> str:
    """The table and its verdict as Markdown."""
    lines = [
        "# A bigger wave on the same street",
        "",
        f"`python -m evaluation.comparison.dose --out records/comparison`: scenario tsunami "
        f"(version {version}, building=mixed, else defaults), seed {SEED}, case {case}, 12 "
        f"buildings of four types, 100 people, {DURATION:g} s, {realizations} realizations with "
        "the same hidden draws at each height. Means; between heights, the paired difference with "
        "its 95% interval (studentized bootstrap over realizations).",
        "",
        "| wave height [m] | " + " | ".join(n.replace("_", " ") for n in QUANTITIES) + " |",
        "|" + "---|" * (len(QUANTITIES) + 1),
    ]
    lines += [
        f"| {height:g} | " + " | ".join(f"{table[n][k].mean():.3g}" for n in QUANTITIES) + " |"
        for k, height in enumerate(HEIGHTS)
    ]
    lines += ["", "| from .. to [m] | " + " | ".join(n.replace("_", " ") for n in QUANTITIES)
              + " |", "|" + "---|" * (len(QUANTITIES) + 1)]
    for k in range(len(HEIGHTS) - 1):
        cells = [next(r for r in rows if r["quantity"] == n and r["pair"] == k) for n in QUANTITIES]
        lines.append(f"| {HEIGHTS[k]:g} .. {HEIGHTS[k + 1]:g} | "
                     + " | ".join(_cell(cell) for cell in cells) + " |")
    falling = [f"{row['quantity']} from {HEIGHTS[row['pair']]:g} to {HEIGHTS[row['pair'] + 1]:g} m"
               for row in rows if row["falls"]]
    verdict = "No adjacent decrease has an interval that excludes zero."
    if falling:
        verdict = f"**{len(falling)} adjacent decreases exclude zero**: {'; '.join(falling)}."
    return "\n".join([*lines, "", verdict, ""])


def _cell(row: dict) -> str:
    if row["low"] is None:
        return f"{row['change']:+.3g}"
    return f"{row['change']:+.3g} [{row['low']:+.2g}, {row['high']:+.2g}]"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
