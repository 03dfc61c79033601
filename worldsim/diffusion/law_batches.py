"""Batches that teach the laws alone: scenes of bodies, from frame to frame, or from one known group
of frames through some more.

Laws need no pixels, so a batch holds hundreds of scenes, as many of every scenario that has as many
slots, most from where a simulation begins; it is drawn scenario by scenario, not clip by clip, and
lies scenario by scenario, as `worldsim.diffusion.laws.Laws.scenes` likes it.
"""

from __future__ import annotations

import dataclasses
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor

from worldsim.diffusion.carrying import Stage
from worldsim.diffusion.conditioning import CLIP_START, Told
from worldsim.diffusion.objective import ObjectiveConfig
from worldsim.diffusion.observables import NUMBERS
from worldsim.diffusion.repertoire import Repertoire
from worldsim.diffusion.sequence import States
from worldsim.diffusion.staging import state_numbers
from worldsim.diffusion.training_clips import TrainingClips

ROUND = 1.15
"""Ratio of half sizes up to which a body is round, and looks the same however it is turned."""

HIDDEN = 0.4
"""Share of round bodies of which it is not told how they are turned: zeros stand for it."""

GROUPS = 5
"""Of frames, at most; the first of them, the last, or all are known."""

BACKWARDS = 0.15
"""Share of batches in which bodies go backwards, from the last group to the first."""

FEWER = 4
"""How many fewer scenes there are where every frame is foreseen from true ones."""


@dataclasses.dataclass(frozen=True)
class Bodies:
    """Scenes (B,) of a batch: their bodies' states, what is told of them, and how long a group
    lasts."""

    states: States
    scenario: Tensor
    told: Told
    seconds: Tensor
    backwards: bool


def draw_bodies(data: tuple[TrainingClips, ...], cases: tuple[np.ndarray, ...],
                repertoire: Repertoire, count: int, rng: np.random.Generator,
                objective: ObjectiveConfig, frames: int, from_start: float = 0.0,
                rolled: float = 0.5) -> Bodies:
    """Scenes of about `count` bodies, as many of every scenario of those with as many slots.

    cases : for every scenario, indices into the clips to draw from. frames : of a group.
    from_start : share of scenes that are known where the simulation begins. rolled : share of
    batches of which one group is known; of the others all are.
    """
    members = [m for m, one in enumerate(data) if one.subject.foreseen]
    slots = int(rng.choice(sorted({data[m].subject.slots for m in members})))
    members = [m for m in members if data[m].subject.slots == slots]
    each = max(1, count // len(members) // slots)
    groups = min(*(data[m].subject.frames // frames for m in members), GROUPS)
    backwards = bool(rng.random() < BACKWARDS)
    known = list(range(groups))
    if rng.random() < rolled:
        groups = int(rng.integers(2, groups + 1)) if groups > 2 else groups
        known = [groups - 1 if backwards else 0]
    else:
        each = max(1, each // FEWER)
    parts = [_of_scenario(data[m], cases[m], repertoire, each, rng, objective, groups, frames,
                          from_start, known) for m in members]
    return Bodies(
        joined([part.states for part in parts]), torch.cat([part.scenario for part in parts]),
        joined([part.told for part in parts]), torch.cat([part.seconds for part in parts]),
        backwards)


def round_bodies(half: np.ndarray) -> np.ndarray:
    """Which bodies of half sizes (…, 3) are round; those of unknown size are not."""
    sized = np.isfinite(half).all(-1)
    low, high = (part(np.nan_to_num(half, nan=1.0), axis=-1) for part in (np.min, np.max))
    return np.asarray(sized & (high < ROUND * low))


Tensors = TypeVar("Tensors", States, Told)


def joined(parts: list[Tensors]) -> Tensors:
    """Several batches as one."""
    first = parts[0]
    return dataclasses.replace(first, **{
        field.name: torch.cat([getattr(part, field.name) for part in parts])
        for field in dataclasses.fields(first) if getattr(first, field.name) is not None})


def _of_scenario(one: TrainingClips, cases: np.ndarray, repertoire: Repertoire, count: int,
                 rng: np.random.Generator, objective: ObjectiveConfig, groups: int,
                 group: int, from_start: float, which: list[int]) -> Bodies:
    subject = one.subject
    case = rng.choice(cases, count)
    start = rng.integers(0, one.clips.frames - groups * group + 1, count)
    start = np.where(rng.random(count) < from_start, 0, start)
    every = one.states[case[:, None], start[:, None] + np.arange(groups * group)]
    order = subject.counted(every[:, 0, :, :3])  # (count, slot)
    half = np.take_along_axis(one.half[case], order[..., None], 1)
    numbers, valid = state_numbers(np.take_along_axis(every, order[:, None, :, None], 2), half,
                                   group)
    hidden = torch.from_numpy(round_bodies(half) & (rng.random(half.shape[:2]) < HIDDEN))
    turns = torch.arange(numbers.shape[-1]) % NUMBERS >= 3
    turns[group * NUMBERS:] = False
    valid = torch.where(hidden[:, :, None, None] & turns, 0.0, valid)
    push = _pushes(one.pushes[case], order, start / one.clips.fps, group / one.clips.fps, groups,
                   subject.length)
    known = torch.zeros(count, subject.slots, groups)
    known[:, :, which] = 1
    given = {name: drawn[case] for name, drawn in one.parameters.items()} | {
        CLIP_START: start / one.clips.fps}
    values = {spec.name: np.where(rng.random(count) < objective.drop, np.nan, given[spec.name])
              for spec in subject.parameters if spec.name in given}
    return Bodies(
        States(repertoire.entity_numbers(subject).expand(count, -1),
               numbers * valid, valid, known, torch.ones(count, groups), torch.from_numpy(push)),
        torch.full((count,), repertoire.number(subject)),
        repertoire.tell(subject, values, count, repertoire.slots()),
        torch.full((count,), group / one.clips.fps), False)


def _pushes(rows: np.ndarray, order: np.ndarray, start: np.ndarray, seconds: float, groups: int,
            length: float) -> np.ndarray:
    """Pushes (B, E, G, 5) of scenes, as `worldsim.diffusion.pushes.write_push` writes them.

    rows : (B, 5) time, number of the object, velocity; NaN for none. order : (B, E) numbers of the
    objects in the slots.
    """
    push = np.zeros((*order.shape, groups, 5), np.float32)
    at = (rows[:, 0] - start) / seconds
    with np.errstate(invalid="ignore"):
        within = (at >= 0) & (at < groups)
        which, slot = np.nonzero(within[:, None] & (order == rows[:, 1:2]))
    group = np.floor(at[which]).astype(int)
    push[which, slot, group, 0] = 1.0
    push[which, slot, group, 1] = at[which] - group
    push[which, slot, group, 2:] = rows[which, 2:] / length
    return push


def no_stage(count: int, groups: int) -> Stage:
    """What carries no picture."""
    return Stage(torch.zeros(count, 0, groups, 3, 0, 0), torch.zeros(count, 0, groups),
                 torch.zeros(count, 0, 3, 4), torch.zeros(count, 1, dtype=torch.bool))
