"""The parameters of a run as rows of a table."""

from __future__ import annotations

from evaluation.report.contents import ParameterRow
from worldsim.scenario import Parameter, Scenario


def parameter_rows(scenario: Scenario) -> tuple[ParameterRow, ...]:
    """Value, unit, ranges and meaning of every parameter, from the scenario's own declaration."""
    return tuple(
        _row(name, scenario.values()[name], spec) for name, spec in scenario.parameters().items()
    )


def _row(name: str, value: object, spec: Parameter) -> ParameterRow:
    if spec.choices:
        label, every = name.replace("_", " "), ", ".join(spec.choices)
        return ParameterRow(label, spec.meaning, str(value), "", "all choices", every, False)
    return ParameterRow(
        name=name.replace("_", " "),
        meaning=spec.meaning,
        value=f"{value:g}",
        unit=spec.unit,
        training=_range(spec.training, spec.unit),
        physical=_range(spec.physical, spec.unit),
        extrapolates=spec.extrapolates(value),
    )


def _range(bounds: tuple[float, float], unit: str) -> str:
    return f"{bounds[0]:g} to {bounds[1]:g} {unit}".strip()
