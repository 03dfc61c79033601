"""Weights of one network as the start of another that knows more.

What both know is taken over by name: parameters of the same meaning, cameras, scenarios, layers.
What is new starts so that it changes nothing yet where it can: a parameter that is new, or has
another range now, weighs nothing; further layers pass on what they are given, and further experts
begin as the first one (Komatsuzaki et al. 2023, "Sparse upcycling").
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from worldsim.diffusion import format_3, format_6
from worldsim.diffusion.checkpoint import ModelConfig, read_weights
from worldsim.diffusion.conditioning import ParameterSpec
from worldsim.diffusion.laws import TABLES
from worldsim.diffusion.layers import TransformerConfig
from worldsim.diffusion.repertoire import Repertoire
from worldsim.errors import InputError

OF_PARAMETERS = ("parameters_in.values", "parameters_in.name", "parameters_in.present",
                 "laws.values", "laws.of_parameter", "laws.sized.values")
OF_SCENARIOS = ("scenario", "looks.scenario",
                *(f"laws.{name}" for name in (
                    "scenario", "of_scenario", "sized.scenario", *TABLES)))
"""Tables with a row for each."""

IN_EXPERTS = re.compile(r"experts\.(\d+)\.(.*)")

LAYER_OUTPUTS = ("attention.out.weight", "feed_forward.down.weight")


@dataclasses.dataclass(frozen=True)
class Earlier:
    """A network to start from: its size, what it knows, its state and its account.

    parameters : (scenario, parameter) in its numbering. scenarios, cameras : names in theirs.
    experts : how many.
    """

    transformer: TransformerConfig
    parameters: tuple[tuple[str, ParameterSpec], ...]
    scenarios: tuple[str, ...]
    cameras: tuple[str, ...]
    weights: dict[str, Tensor]
    training: dict[str, Any]
    sha256: str
    version: str
    experts: int = 1


def read_earlier(directory: Path) -> Earlier:
    """Read a checkpoint, also of a network that lacked parts of today's."""
    config, weights, sha256 = read_weights(directory)
    known = config.repertoire
    weights = format_6.carried_over(format_3.carried_over(weights, config.network()))
    return Earlier(
        config.transformer, _named(known), tuple(s.name for s in known.subjects), known.cameras,
        {name: value.float() for name, value in weights.items()}, config.training, sha256,
        ", ".join(f"{s.name} {s.version}" for s in known.subjects), known.experts)


def _named(known: Repertoire) -> tuple[tuple[str, ParameterSpec], ...]:
    return tuple((subject.name, spec) for subject in known.subjects for spec in subject.parameters)


def same_meaning(before: ParameterSpec, now: ParameterSpec) -> bool:
    """Whether the weights of one parameter mean the same for the other: equal ranges and units,
    or choices that at most were added to."""
    if before.choices or now.choices:
        return before.choices == now.choices[: len(before.choices)] and bool(before.choices)
    return (before.unit, before.low, before.high) == (now.unit, now.low, now.high)


def carried_over(before: Earlier, now: ModelConfig, fresh: dict[str, Tensor],
                 ) -> tuple[dict[str, Tensor], list[str]]:
    """State of a network of the configuration `now` that starts from `before`.

    fresh : its state as initialised.

    Returns
    -------
    The state, and the parameters that start anew, as ``scenario.parameter``.

    Raises
    ------
    InputError : the networks' tokens differ.
    """
    mine, theirs = now.transformer, before.transformer
    for field in ("patches", "width", "heads", "hidden", "detail", "registers"):
        if getattr(mine, field) != getattr(theirs, field):
            raise InputError(f"the checkpoint to start from differs in its {field}")
    state = {}
    for name, value in fresh.items():
        found = before.weights.get(_source(name, before.experts))
        state[name] = (found if found is not None and found.shape == value.shape else value).clone()
    experts = range(now.repertoire.experts)
    for number in experts:
        for layer in range(theirs.layers, mine.layers):
            for output in LAYER_OUTPUTS:
                state[f"experts.{number}.blocks.{layer}.{output}"].zero_()
    for table in OF_SCENARIOS:
        _rows(state, fresh, before.weights, table,
              [s.name for s in now.repertoire.subjects], before.scenarios)
    cameras = now.repertoire.cameras, before.cameras
    for table in ("camera", "locate.to_position"):
        _rows(state, fresh, before.weights, table, *cameras)
    for name in (f"experts.{number}.position.{part}" for number in experts
                 for part in ("weight", "bias")):
        _blocks(state, fresh, name, before.weights[_source(name, before.experts)], *cameras)
    _seen_from(state, fresh, before.weights, *cameras)
    return state, _parameters(state, fresh, before, now)


def _source(name: str, experts: int) -> str:
    """Where weights come from, of a network of so many experts."""
    found = IN_EXPERTS.fullmatch(name)
    if found is None or int(found[1]) < experts:
        return name
    return f"experts.0.{found[2]}"


def _blocks(state: dict[str, Tensor], fresh: dict[str, Tensor], name: str, old: Tensor,
            cameras: tuple[str, ...], before: tuple[str, ...]) -> None:
    """Take over weights of which each camera has so many rows."""
    parts = {"new": fresh[name].unflatten(0, (len(cameras), -1)).clone()}
    _rows(parts, parts, {"new": old.unflatten(0, (len(before), -1))}, "new", cameras, before)
    state[name] = parts["new"].flatten(0, 1)


def _seen_from(state: dict[str, Tensor], fresh: dict[str, Tensor], weights: dict[str, Tensor],
               cameras: tuple[str, ...], before: tuple[str, ...]) -> None:
    """Take over what is told of where entities were found, whose last columns are the cameras'."""
    name = "locate.tell.weight"
    if name not in weights:
        return
    new, old = fresh[name].T.clone(), weights[name].T
    kept = len(new) - len(cameras)
    new[:kept] = old[:kept]
    views = {"new": new[kept:]}
    _rows(views, views, {"new": old[kept:]}, "new", cameras, before)
    state[name] = torch.cat([new[:kept], views["new"]]).T.contiguous()


def _rows(state: dict[str, Tensor], fresh: dict[str, Tensor], weights: dict[str, Tensor],
          table: str, names: Sequence[str], before: Sequence[str]) -> None:
    """Take over the rows of what has a name in both."""
    state[table] = fresh[table].clone()
    for place, name in enumerate(names):
        if name in before and table in weights:
            state[table][place] = weights[table][list(before).index(name)]


def _parameters(state: dict[str, Tensor], fresh: dict[str, Tensor], before: Earlier,
                now: ModelConfig) -> list[str]:
    places = {(scenario, spec.name): place
              for place, (scenario, spec) in enumerate(before.parameters)}
    known = [table for table in OF_PARAMETERS if table in before.weights]
    for table in OF_PARAMETERS:
        state[table] = fresh[table].clone()
        # Of what is about no parameter; it has no values.
        if table in known and not table.startswith("laws.") and not table.endswith("values"):
            state[table][-1] = before.weights[table][-1]
    anew = []
    for place, (scenario, spec) in enumerate(_named(now.repertoire)):
        old = places.get((scenario, spec.name))
        if old is None or not same_meaning(before.parameters[old][1], spec):
            anew.append(f"{scenario}.{spec.name}")
            for table in known:
                if table.endswith("values"):
                    state[table][place] = 0.0
            continue
        for table in known:
            row, into = before.weights[table][old], state[table][place]
            size = min(len(row), len(into))
            into.zero_()
            into[:size] = row[:size]
    return anew
