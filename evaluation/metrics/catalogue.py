"""The benchmark's metrics: every group, and which of them a scenario can be scored by."""

from __future__ import annotations

from collections.abc import Iterable

from evaluation.metrics import (
    conservation,
    damage,
    debris,
    flooding,
    motion,
    people,
    permanence,
    pixel,
    structures,
    trajectory,
    water,
)
from evaluation.metrics.metric import Metric
from evaluation.reading import reading_of

CATALOGUE: tuple[Metric, ...] = (
    *trajectory.METRICS,
    *conservation.METRICS,
    *permanence.METRICS,
    *water.METRICS,
    *flooding.METRICS,
    *debris.METRICS,
    *structures.METRICS,
    *damage.METRICS,
    *people.METRICS,
    *pixel.MAIN_METRICS,
    *motion.METRICS,
)
"""All of them; a metric takes part where a scenario has what it needs."""


def metrics_of(scenario: str) -> tuple[Metric, ...]:
    """The metrics that mean something for a scenario."""
    groups = reading_of(scenario).groups
    return tuple(
        m for m in CATALOGUE
        if set(m.needs) <= groups and (not m.scenarios or scenario in m.scenarios)
    )


def headline(metrics: Iterable[Metric]) -> tuple[Metric, ...]:
    """Those that models are judged by first."""
    return tuple(m for m in metrics if m.headline)


def metric_named(name: str) -> Metric:
    """A metric of the catalogue.

    Raises
    ------
    worldsim.InputError : there is none; the message gives the nearest.
    """
    import difflib

    from worldsim.errors import InputError

    for metric in CATALOGUE:
        if metric.name == name:
            return metric
    known = [m.name for m in CATALOGUE]
    near = difflib.get_close_matches(name, known, n=1)
    hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(known)}"
    raise InputError(f"no metric {name!r}; {hint}")
