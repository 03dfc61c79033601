"""Simulated deaths by house destruction, sex, age and whereabouts beside a survey: not fitted.

``python -m evaluation.comparison.mortality --out records/comparison`` simulates towns of the
scenario tsunami with parameters drawn from their training ranges, pools their people and puts the
shares who die beside those of Nishikiori et al. 2006 (camps in Sri Lanka). What was simulated
before (``--work``) is not simulated again.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from evaluation.validation.figures import COLOURS
from worldsim.outcomes import deaths_by_group
from worldsim.outcomes.mortality import ROWS, SURVEY
from worldsim.rollout import open as open_rollout
from worldsim.rollout import save
from worldsim.scenario import scenario_class
from worldsim.seeding import VISIBLE, stream
from worldsim.simulator.world import simulate

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SCENARIO = "tsunami"
SEED = 4002
DURATION = 30.0
CASES, REALIZATIONS = 24, 2
AT_ONCE = 12
"""Cases simulated together, and kept together."""

RESAMPLES = 4000

RATIOS = (
    ("house: wholly destroyed", "house: less destroyed"),
    ("house: partly destroyed", "house: less destroyed"),
    ("female", "male"),
    ("age 0-4", "age 20-29"),
    ("age 51 and over", "age 20-29"),
    ("indoors", "outdoors"),
)
"""Groups to compare with each other, and the survey's."""

KEPT = ("parameters", "structures", "people", "water", "audit")

DIFFERENCES = """\
Nothing was tuned to this survey, and the levels are not comparable. The survey asked householders
in 13 camps, eleven weeks later, about all who had lived with them: people of a district, along
shores and inland, whose families still had somebody to ask. Ours are all people within 200 m of one
shore, under bores of 2 to 8 m, seen for half a minute; well over half of the houses are destroyed.
Their deaths are expected numbers from declared chances (`worldsim cite` lists them), and as deadly
as it is to be carried off is hardly known: the intervals of levels say so. The share in Aceh's
population at risk, 24% (Doocy et al. 2007), is nearer to ours than the camps' is.

Ratios between groups shed most of that. Who lived in a wholly destroyed house dies most, as in the
survey; so few houses near this shore are less than partly destroyed that the ratios to those say
little. What the model holds no mechanism for cannot show. Women died twice as often as men in the
camps' families, and do not here, where they differ from men in height and mass alone: clothing,
swimming, children held by the hand, who was at sea and who at home are left out. Small children
and the old walk slowly and lose their footing in less water, which makes little difference to
people whom a bore overtakes within seconds and who, once carried off, all meet one declared
chance; that age bears on who survives in the water is left out, and is where the survey's gradient
points. Indoors was deadlier than outdoors there and not here: our outdoors are those in the
streets of the shore and all who set out, too late for many; our indoors began in a building and
never left it, upper floors of concrete among them. The survey's outdoors were spread over a whole
district."""


def main(args: Sequence[str]) -> int:
    """Simulate what is missing; write mortality.md, mortality.json and mortality.png."""
    parser = argparse.ArgumentParser(prog="python -m evaluation.comparison.mortality",
                                     description=__doc__)
    parser.add_argument("--out", type=Path, required=True,
                        help="where mortality.md, .json, .png go")
    parser.add_argument("--work", type=Path, help="where finished towns are kept; OUT by default")
    parser.add_argument("--cases", type=int, default=CASES)
    options = parser.parse_args(args)
    work = options.work or options.out
    for folder in (options.out, work):
        folder.mkdir(parents=True, exist_ok=True)
    parts = []
    for first in range(0, options.cases, AT_ONCE):
        cases = range(first, min(first + AT_ONCE, options.cases))
        parts.append(deaths_by_group(ends(work, cases), seed=SEED))
    pooled = xr.concat(parts, dim="case", join="exact").transpose("draw", "case", ...)
    found = summary(pooled)
    about = {"scenario": SCENARIO, "version": scenario_class(SCENARIO).version, "seed": SEED,
             "duration": DURATION, "cases": options.cases, "realizations": REALIZATIONS}
    text = report(found, about)
    (options.out / "mortality.md").write_text(text)
    (options.out / "mortality.json").write_text(json.dumps(about | found, indent=1) + "\n")
    draw(found, options.out / "mortality.png")
    print(text)
    return 0


def ends(work: Path, cases: range) -> xr.DataTree:
    """The last states and the totals of some cases, simulated now unless kept in `work`."""
    cls = scenario_class(SCENARIO)
    kept = work / f"mortality_v{cls.version}_{DURATION:g}s_{cases.start}_{cases.stop}.zarr"
    if not kept.exists():
        begun = time.monotonic()
        towns = [cls.sample(stream(SEED, case, VISIBLE, "comparison parameters")) for case in cases]
        truth = simulate(towns, realizations=REALIZATIONS, seed=SEED, duration=DURATION,
                         case_numbers=list(cases), compiled=True)
        last = {name: _last(truth[name].to_dataset(inherit=False)) for name in KEPT}
        save(xr.DataTree.from_dict({"/": truth.to_dataset()} | last), kept)
        print(f"cases {cases.start} to {cases.stop - 1}: {time.monotonic() - begun:.0f} s",
              file=sys.stderr, flush=True)
    with open_rollout(kept) as stored:
        return stored.load()


def _last(group: xr.Dataset) -> xr.Dataset:
    return group.isel(time=[-1]) if "time" in group.dims else group


def summary(pooled: xr.Dataset) -> dict[str, list[dict]]:
    """Shares and ratios with 95% intervals.

    Each of the resamples draws cases with replacement and one draw of the coefficients, so that
    intervals cover layouts, waves, hidden strengths and unknown chances of death together.

    Parameters
    ----------
    pooled : as `worldsim.outcomes.deaths_by_group` gives it.
    """
    people = pooled["people"].sum("realization").values.astype(float)  # (case, group)
    deaths = pooled["deaths"].sum("realization").values  # (draw, case, group)
    rng = np.random.default_rng(0)
    cases = rng.integers(people.shape[0], size=(RESAMPLES, people.shape[0]))
    draws = rng.integers(deaths.shape[0], size=RESAMPLES)
    with np.errstate(invalid="ignore", divide="ignore"):
        resampled = deaths[draws[:, None], cases].sum(1) / people[cases].sum(1)
        share = deaths.mean(0).sum(0) / people.sum(0)
        column = {name: k for k, name in enumerate(pooled["group"].values)}
        rows = [
            {"group": name, "people": int(people[:, k].sum()), "survey": SURVEY[name].value}
            | _interval(share[k], resampled[:, k])
            for name, k in ((name, column[name]) for name in ROWS)
        ]
        ratios = []
        for over, under in RATIOS:
            a, b = column[over], column[under]
            published = SURVEY[over].value / SURVEY[under].value
            ratios.append({"over": over, "under": under, "survey": published}
                          | _interval(share[a] / share[b], resampled[:, a] / resampled[:, b]))
    return {"shares": rows, "ratios": ratios}


def _interval(value: float, resampled: np.ndarray) -> dict[str, float | None]:
    """None where hardly any resample has a value."""
    known = resampled[np.isfinite(resampled)]
    if not np.isfinite(value) or len(known) < RESAMPLES / 2:
        return {"simulated": float(value) if np.isfinite(value) else None,
                "lower": None, "upper": None}
    lower, upper = np.percentile(known, (2.5, 97.5))
    return {"simulated": float(value), "lower": float(lower), "upper": float(upper)}


def report(found: dict[str, list[dict]], about: dict) -> str:
    """The tables and what differs, as Markdown."""
    lines = [
        "# Who dies, beside a survey",
        "",
        f"`python -m evaluation.comparison.mortality --out records/comparison --cases "
        f"{about['cases']}`: scenario {about['scenario']} (version {about['version']}), "
        f"{about['cases']} cases with parameters drawn from their training ranges x "
        f"{about['realizations']} realizations, "
        f"{about['duration']:g} s, seed {about['seed']}; beside Nishikiori et al. 2006, 3,533 "
        "people of camps in Sri Lanka. 95% intervals over cases and coefficients together.",
        "",
        "| group | people | simulated [%] | survey [%] |",
        "|---|---:|---|---:|",
    ]
    lines += [f"| {row['group']} | {row['people']} | {_words(row, 100.0)} | "
              f"{100 * row['survey']:.1f} |" for row in found["shares"]]
    lines += ["", "| ratio of shares | simulated | survey | |", "|---|---|---:|---|"]
    lines += [f"| {row['over']} / {row['under']} | {_words(row, 1.0)} | {row['survey']:.2f} | "
              f"{_verdict(row)} |" for row in found["ratios"]]
    return "\n".join([*lines, "", DIFFERENCES, ""])


def _words(row: dict, factor: float) -> str:
    if row["simulated"] is None:
        return "nobody"
    value = f"{factor * row['simulated']:.3g}"
    if row["lower"] is None:
        return value
    return f"{value} [{factor * row['lower']:.2g}, {factor * row['upper']:.2g}]"


def _verdict(row: dict) -> str:
    if row["lower"] is None:
        return "no interval"
    if row["lower"] <= row["survey"] <= row["upper"]:
        return "the survey's is inside"
    return "the survey's is " + ("below" if row["survey"] < row["lower"] else "above")


def draw(found: dict[str, list[dict]], path: Path) -> None:
    """Shares and ratios as points with intervals, the survey's as diamonds."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    drawn = Figure(figsize=(11, 4.6), layout="constrained")
    FigureCanvasAgg(drawn)
    left, right = drawn.subplots(1, 2)
    drawn.suptitle("Mortality by group: simulated towns beside camps in Sri Lanka (not fitted)")
    _points(left, [row | {"label": row["group"]} for row in found["shares"]], 100.0)
    left.set_xlabel("share who die [%]")
    drawn.legend(*left.get_legend_handles_labels(), loc="outside lower left", ncols=2,
                 fontsize="small", frameon=False)
    ratios = [row | {"label": f"{row['over']} /\n{row['under']}"} for row in found["ratios"]]
    _points(right, ratios, 1.0)
    right.set(xlabel="ratio of shares", xscale="log")
    ticks = (0.1, 0.2, 0.5, 1, 2, 5, 10, 20)
    low, high = right.get_xlim()
    right.set_xticks([t for t in ticks if low <= t <= high],
                     [f"{t:g}" for t in ticks if low <= t <= high])
    right.xaxis.minorticks_off()
    right.axvline(1.0, color="0.6", linewidth=0.8)
    drawn.savefig(path, dpi=100)


def _points(axes: Axes, rows: list[dict], factor: float) -> None:
    for place, row in enumerate(rows):
        if row["lower"] is not None:
            axes.plot([factor * row["lower"], factor * row["upper"]], [place, place],
                      color=COLOURS[1], linewidth=2.0)
        if row["simulated"] is not None:
            axes.plot(factor * row["simulated"], place, "o", color=COLOURS[1],
                      label="simulated, 95%" if place == 0 else None)
        axes.plot(factor * row["survey"], place, "D", color=COLOURS[2],
                  label="Nishikiori et al. 2006" if place == 0 else None)
    axes.set_yticks(range(len(rows)), [row["label"] for row in rows], fontsize="small")
    axes.invert_yaxis()
    axes.grid(alpha=0.3, axis="x")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
