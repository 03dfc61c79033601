"""What some scenarios of a network have for themselves, so that they learn apart from the others.

Their experts (`worldsim.diffusion.expert`), and their rows of the tables that have a row for each
scenario, parameter, camera or entity. All else is shared, and stays as it is.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Sequence

import torch
from torch import Tensor

from worldsim.diffusion.checkpoint import of_expert
from worldsim.diffusion.observables import ENTITIES
from worldsim.diffusion.repertoire import Repertoire, Subject
from worldsim.diffusion.transformer import VideoTransformer
from worldsim.diffusion.warm_start import OF_PARAMETERS, OF_SCENARIOS
from worldsim.errors import InputError

OF_CAMERAS, OF_ENTITIES = ("camera", "locate.to_position"), ("entity",)


def grown(before: Repertoire, subjects: Sequence[Subject], cameras: Sequence[str]) -> Repertoire:
    """What is known of `before` and of `subjects`: those that are new share one new expert, others
    keep theirs.

    Raises
    ------
    InputError : a scenario shares its expert with others, which are not among `subjects`.
    """
    mine = {subject.name: subject for subject in subjects}
    known = {subject.name: subject.expert for subject in before.subjects}
    mine = {name: dataclasses.replace(subject, expert=known.get(name, before.experts))
            for name, subject in mine.items()}
    used = {subject.expert for subject in mine.values()}
    for other in before.subjects:
        if other.name not in mine and other.expert in used:
            shared = [name for name, one in mine.items() if one.expert == other.expert]
            raise InputError(f"{', '.join(shared)} cannot learn apart from {other.name}, with "
                             "which it shares its layers: train all of them, or not apart")
    kept = [mine.pop(subject.name, subject) for subject in before.subjects]
    return Repertoire((*kept, *mine.values()), tuple(dict.fromkeys((*before.cameras, *cameras))))


def own_weights(network: VideoTransformer, repertoire: Repertoire, names: Collection[str],
                ) -> dict[str, Tensor | None]:
    """Names of the weights that only these scenarios use: None where they are theirs as a whole,
    else 1 in their rows and 0 in all others."""
    weights = dict(network.named_parameters())
    mine = [subject for subject in repertoire.subjects if subject.name in names]
    others = [subject for subject in repertoire.subjects if subject.name not in names]
    whole = tuple(of_expert(number) for number in {subject.expert for subject in mine})
    own: dict[str, Tensor | None] = {name: None for name in weights if name.startswith(whole)}
    seen = {name for subject in others for name in subject.cameras}
    said = {entity.name for subject in others for entity in subject.entities}
    parameters = [subject.name in names for subject in repertoire.subjects
                  for _ in subject.parameters]
    for tables, rows in (
            (OF_SCENARIOS, (subject.name in names for subject in repertoire.subjects)),
            (OF_PARAMETERS, (*parameters, False)),
            (OF_CAMERAS, (name not in seen for name in repertoire.cameras)),
            (OF_ENTITIES, (*(name not in said for name in ENTITIES), False))):
        chosen = torch.tensor([float(row) for row in rows])
        for table in tables:
            if table in weights:
                own[table] = _rows_of(weights[table], chosen)
    return own


def _rows_of(table: Tensor, chosen: Tensor) -> Tensor:
    """Ones in the chosen rows; tables may lack the last one."""
    return chosen[:len(table)].view(-1, *[1] * (table.ndim - 1))


def restrict(network: VideoTransformer, own: dict[str, Tensor | None]) -> None:
    """Let nothing else learn."""
    for name, weights in network.named_parameters():
        weights.requires_grad_(weights.requires_grad and name in own)
        rows = own.get(name)
        if rows is not None and weights.requires_grad:
            weights.register_hook(lambda gradient, rows=rows: gradient * rows)
