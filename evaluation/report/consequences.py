"""What happens to a town and its people, from a run's states and outcomes: tables and plots."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import xarray as xr

from evaluation.report import coast, decision, evidence, outcome_rows, town, town_plots
from evaluation.report.contents import OutcomeRow, OutcomeTable, Plot, Town
from evaluation.report.outcomes_file import DREAM, TRUTH, read_outcomes
from evaluation.report.said import said_plots
from evaluation.report.svg import plot, plot_style
from worldsim.outcomes import health, wording
from worldsim.outcomes.services import SERVICES

AS_ABOVE = "Means (medians for shares of adults) and ranges as explained with the buildings."

SYMPTOMS = "Screened symptoms"

COLUMNS = ("simulated", "generated")

RANGES = ("Means over all outcomes (medians for shares of adults); behind them the range that "
          "holds 95 % of the outcomes and, where coefficients enter, of their draws.")


def gather_town(run: Path, truth: xr.DataTree, dream: xr.DataTree, context: float) -> Town | None:
    """All that the report says of the town; None for a scenario without buildings and water.

    Parameters
    ----------
    context : seconds that the world model was given.

    Raises
    ------
    InputError : the run's outcomes have not been assessed.
    """
    if not evidence.has_town(truth):
        return None
    columns = tuple(read_outcomes(run / name)["pooled"].to_dataset() for name in (TRUTH, DREAM))
    seen_time, seen = evidence.seen_standing(truth, dream)
    case = int(np.flatnonzero(truth["case"].values == dream["case"].values[0])[0])
    land = town.ground(truth, case)
    return Town(
        happened=decision.happened(columns[0], truth),
        sure=decision.sure(columns[0], truth),
        maps=evidence.map_plots(truth, case, land),
        pairs=evidence.pair_plots(truth, dream, land, seen),
        timelines=evidence.time_plots(truth, seen_time, seen, context),
        said=said_plots(truth, dream, context),
        tables=(*tables(columns, COLUMNS, truth),
                *coast_table((coast.quantities(truth), {}), COLUMNS)),
        health=health_sentences(columns[0]),
        health_notes=(*wording.HEALTH_NOTES, wording.CONTEXT) if columns[0].data_vars else (),
    )


def tables(columns: tuple[xr.Dataset, ...], names: tuple[str, ...], truth: xr.DataTree,
           caption: str = RANGES) -> tuple[OutcomeTable, ...]:
    """The tables of everything that the outcomes know something of.

    Parameters
    ----------
    columns : pooled outcomes. names : their headings. truth : says what there is to tell of.
    """
    peopled = "people" in truth.children
    made = [_table("Buildings", names, outcome_rows.BUILDINGS, columns, caption)]
    caption = AS_ABOVE
    if peopled:
        made.append(_table("People", names, outcome_rows.PEOPLE, columns, caption,
                           (wording.CASUALTY_NOTE,)))
    if peopled and "tracer" in truth["water"]:
        made.append(_table("What leaked from the tank", names, outcome_rows.CONTAMINANT, columns,
                           caption, (wording.TRACER_NOTE,)))
    made.append(_table("Services in the year after", names, outcome_rows.SERVICES_LOST, columns,
                       caption))
    if peopled:
        # By district and home alone is all that a video allows: only there does it stand beside.
        kinds = ("share", "excess", *(("of_buildings",) if names == COLUMNS else ()))
        wanted = (*outcome_rows.health_rows("adults", "all adults", kinds),
                  *outcome_rows.health_rows("home_lost", "adults whose home was lost"),
                  *outcome_rows.health_rows("home_kept", "adults whose home was kept"))
        made.append(_table(SYMPTOMS, names, wanted, columns, caption,
                           (wording.SMALL_GROUP_NOTE,)))
    return tuple(table for table in made if table.rows)


def coast_table(columns: tuple[dict[tuple[str, str], np.ndarray], ...],
                names: tuple[str, ...]) -> tuple[OutcomeTable, ...]:
    """The table of walls, trees, tanks and debris; none where nothing of them was recorded."""
    rows = coast.rows(columns)
    return (_titled("Coast and debris", AS_ABOVE, names, rows),) if rows else ()


def _table(title: str, names: tuple[str, ...], wanted: tuple[outcome_rows.Wanted, ...],
           columns: tuple[xr.Dataset, ...], caption: str,
           notes: tuple[str, ...] = ()) -> OutcomeTable:
    plots = _service_plots(names, columns) if wanted is outcome_rows.SERVICES_LOST else ()
    return _titled(title, caption, names, outcome_rows.rows(wanted, columns), plots, notes)


def _titled(title: str, caption: str, names: tuple[str, ...], rows: tuple[OutcomeRow, ...],
            plots: tuple[Plot, ...] = (), notes: tuple[str, ...] = ()) -> OutcomeTable:
    table = OutcomeTable(title, caption, names, rows, plots, notes)
    return table if names == COLUMNS else dataclasses.replace(table, unknown="–")


def _service_plots(names: tuple[str, ...], columns: tuple[xr.Dataset, ...]) -> tuple[Plot, ...]:
    """The chance that each service works over the year, one plot for each column that knows."""
    drawn: list[Plot] = []
    for name, outcomes in zip(names, columns, strict=True):
        if "service_working" not in outcomes or name == "difference":
            continue
        chance = outcomes["service_working"].transpose("service", "day")
        levels = {service: chance.sel(service=service).values for service in SERVICES}
        known = {service: level for service, level in levels.items() if np.isfinite(level).all()}
        if not known:
            continue
        with plot_style():
            ax = town_plots.service_over_time(
                chance["day"].values, known,
                title=name.upper() if name in COLUMNS else name)
        after = ", ".join(f"{service} {100 * level[0]:.0f} %" for service, level in known.items())
        drawn.append(plot(
            ax, f"services-{len(drawn)}",
            f"Chance that each service works in the year after, {name}. Hospital: beds that can be "
            "reached, powered and staffed.",
            f"Line plot of services over a year, {name}; right after the wave: {after}.",
        ))
    return tuple(drawn)


def health_sentences(outcomes: xr.Dataset) -> tuple[str, ...]:
    """Shares of adults in words, at every month; counts only where a group is too small."""
    if "symptoms_share" not in outcomes or not float(outcomes["people"]):
        return ()
    people = int(float(outcomes["adults"].sel(group="adults")))
    told = []
    for month in health.MONTHS:
        at = {"group": "adults", "month": month}
        median, lower, upper = (float(outcomes[f"symptoms_share{end}"].sel(at))
                                for end in ("", "_lower", "_upper"))
        told.append(wording.share_sentence(month, "adults of the town", people, median, lower,
                                           upper))
    return tuple(dict.fromkeys(told))
