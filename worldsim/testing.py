"""Is this a world model? One call, in the manner of Gymnasium's ``check_env``.

>>> from worldsim.testing import check_world_model
>>> print(check_world_model(MyModel()))
"""

from __future__ import annotations

import dataclasses

from worldsim.conformance.checks import CHECKS
from worldsim.conformance.examination import Examination, Skipped
from worldsim.conformance.questions import small_query
from worldsim.errors import InputError
from worldsim.query import Query
from worldsim.world_model import Capabilities

USUAL = "free_fall"
"""The scenario that is asked about unless said otherwise: quick to simulate, and it moves."""


@dataclasses.dataclass(frozen=True)
class ConformanceReport:
    """What was looked at.

    checked : names of checks (see `CHECKS`). skipped : (check, why not).
    notes : what is no failure but good to know.
    """

    model: str
    scenario: str
    checked: tuple[str, ...]
    skipped: tuple[tuple[str, str], ...]
    notes: tuple[str, ...]

    def __str__(self) -> str:
        lines = [f"{self.model} on {self.scenario}: {len(self.checked)} checks"]
        lines += [f"  checked  {name}: {CHECKS[name].says}" for name in self.checked]
        lines += [f"  skipped  {name}: {why}" for name, why in self.skipped]
        lines += [f"  note     {note}" for note in self.notes]
        return "\n".join(lines)


class ConformanceError(AssertionError):
    """A world model is none; `failures` lists everything, `report` says what was looked at."""

    def __init__(self, failures: tuple[str, ...], report: ConformanceReport) -> None:
        lines = "\n".join(f"  - {line}" for line in failures)
        super().__init__(
            f"{report.model}: {len(failures)} thing{'s' * (len(failures) > 1)} to change:\n{lines}")
        self.failures, self.report = failures, report


def check_world_model(
    model: object,
    scenario: str | None = None,
    *,
    query: Query | None = None,
    seed: int = 0,
    skip: tuple[str, ...] = (),
    tolerance: int = 0,
) -> ConformanceReport:
    """Ask a world model a dozen small questions and hold its answers against what it declares.

    Shapes, types and times of the answer; that the query is left alone; that the same query gives
    the same answer, and another seed another one; that a case alone is answered as among others;
    and every capability: context, cameras, size, rate, duration, masks, parameters, origin,
    scenario, streaming. What a model can do and does not declare is a note, no failure.

    Parameters
    ----------
    scenario : what to ask about; by default the only one that the model knows, else ``free_fall``.
    query : asked instead of two cases of the scenario drawn here, for example one that names the
        cases of a folder of videos. Two cases and two realizations show most.
    seed : of the cases.
    skip : checks that are left out (and reported so), names from `CHECKS`.
    tolerance : levels of 255 by which answers that should be equal may differ, for models whose
        arithmetic depends on the size of a batch.

    Returns
    -------
    What was checked, what was skipped and why, and notes.

    Raises
    ------
    ConformanceError : with every failure at once, a line each, that says what to change.
    InputError : an unknown check in `skip`, or an unknown scenario.
    """
    optional = [name for name in CHECKS if name not in ("protocol", "answer")]
    unknown = [name for name in skip if name not in optional]
    if unknown:
        raise InputError(f"skip={unknown[0]!r}: checks to skip are {', '.join(optional)}")
    if query is None:
        declared = getattr(model, "capabilities", None)
        can = declared if isinstance(declared, Capabilities) else Capabilities()
        usual = USUAL if not can.scenarios or USUAL in can.scenarios else can.scenarios[0]
        query = small_query(scenario or can.scenario or usual, can.cameras, seed)
    elif scenario is not None and scenario != query.scenario:
        raise InputError(f"the query is about {query.scenario!r}, not {scenario!r}; give either")
    exam = Examination(model, query, tolerance)
    report = _examined(exam, skip)
    if exam.failures:
        raise ConformanceError(tuple(exam.failures), report)
    return report


def _examined(exam: Examination, skip: tuple[str, ...]) -> ConformanceReport:
    """Make all checks; what is wrong is in `exam.failures` afterwards."""
    checked: list[str] = []
    skipped: list[tuple[str, str]] = []
    usable = True
    for name, check in CHECKS.items():
        if not usable:
            skipped.append((name, "it lacks what every world model has"))
        elif name in skip:
            skipped.append((name, "not wanted"))
        else:
            try:
                check.make(exam)
            except Skipped as reason:
                skipped.append((name, str(reason)))
            else:
                checked.append(name)
            usable = name != "protocol" or not exam.failures
    return ConformanceReport(
        str(getattr(exam.model, "name", type(exam.model).__name__)), exam.query.scenario,
        tuple(checked), tuple(skipped), tuple(exam.notes))
