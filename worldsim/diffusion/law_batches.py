"""Batches that teach the laws alone: single bodies, one known group of frames, few frames more.

Laws treat all bodies alike and by themselves, so a batch holds thousands of them, of all scenarios
whose bodies are foreseen, most from where a simulation begins; it is drawn scenario by scenario,
not clip by clip.
"""

from __future__ import annotations

import dataclasses
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor

from worldsim.diffusion.carrying import Stage
from worldsim.diffusion.conditioning import CLIP_START, Told
from worldsim.diffusion.motion import EXTRA, Motion
from worldsim.diffusion.objective import ObjectiveConfig
from worldsim.diffusion.observables import NUMBERS
from worldsim.diffusion.repertoire import Repertoire
from worldsim.diffusion.training_clips import TrainingClips
from worldsim.diffusion.transformer import States

GROUPS = 4
"""Of frames, where all scenarios' clips are as long."""

BACKWARDS, NOTHING = 0.2, 0.1
"""Share of bodies of which the last group is known instead of the first, and of those of which none
is: half sizes and presence are learned there."""

ABSENT = 0.3
"""How often a body that is not there is drawn, beside one that is."""


@dataclasses.dataclass(frozen=True)
class Bodies:
    """Bodies (B, 1) of a batch: their states, what is told of them, and how long a group lasts."""

    states: States
    scenario: Tensor
    told: Told
    seconds: Tensor


def draw_bodies(data: tuple[TrainingClips, ...], cases: tuple[np.ndarray, ...],
                repertoire: Repertoire, count: int, rng: np.random.Generator,
                objective: ObjectiveConfig, frames: int, from_start: float = 0.0) -> Bodies:
    """About `count` bodies, as many of every scenario.

    cases : for every scenario, indices into the clips to draw from. frames : of a group.
    from_start : share of bodies that are known where the simulation begins.
    """
    members = [m for m, one in enumerate(data) if one.subject.foreseen]
    each = max(1, count // len(members))
    groups = min(*(data[m].subject.frames // frames for m in members), GROUPS)
    parts = [_of_scenario(data[m], cases[m], repertoire, each, rng, objective, groups, frames,
                          from_start) for m in members]
    return Bodies(
        joined([part.states for part in parts]), torch.cat([part.scenario for part in parts]),
        joined([part.told for part in parts]), torch.cat([part.seconds for part in parts]))


Tensors = TypeVar("Tensors", States, Told)


def joined(parts: list[Tensors]) -> Tensors:
    """Several batches as one."""
    first = parts[0]
    return dataclasses.replace(first, **{
        field.name: torch.cat([getattr(part, field.name) for part in parts])
        for field in dataclasses.fields(first)})


def _of_scenario(one: TrainingClips, cases: np.ndarray, repertoire: Repertoire, count: int,
                 rng: np.random.Generator, objective: ObjectiveConfig, groups: int,
                 group: int, from_start: float) -> Bodies:
    subject = one.subject
    case = rng.choice(cases, count)
    start = rng.integers(0, one.clips.frames - groups * group + 1, count)
    start = np.where(rng.random(count) < from_start, 0, start)
    span = start[:, None] + np.arange(groups * group)
    every = one.states[case[:, None], span]  # (count, T, slot, 9)
    order = subject.counted(every[:, 0, :, :3])
    named = len(subject.entities)
    there = np.isfinite(every[:, :, :named, 0]).all(1)
    slot = np.argmax(rng.random(there.shape) ** (1 / np.where(there, 1.0, ABSENT)), 1)
    rows = np.arange(count)
    # Bodies are named by the order in which they are counted.
    place = np.argmax(order[:, :named] == slot[:, None], 1)
    path = every[rows, :, slot].reshape(count, 1, groups, group * NUMBERS)
    half = np.broadcast_to(one.half[case, slot][:, None, None], (count, 1, groups, 3))
    presence = np.where(there[rows, slot], 1.0, -1.0)
    numbers = np.concatenate([path, half, np.broadcast_to(
        presence[:, None, None, None], (count, 1, groups, 1))], -1)
    valid = np.isfinite(numbers)
    push = _pushes(one.pushes[case], slot, start / one.clips.fps, group / one.clips.fps, groups,
                   subject.length)
    # Without a known state there is no path to learn.
    which = rng.random(count)
    known = np.zeros((count, 1, groups), np.float32)
    known[which >= NOTHING + BACKWARDS, 0, 0] = 1
    known[(which >= NOTHING) & (which < NOTHING + BACKWARDS), 0, -1] = 1
    given = {name: drawn[case] for name, drawn in one.parameters.items()} | {
        CLIP_START: start / one.clips.fps}
    values = {spec.name: np.where(rng.random(count) < objective.drop, np.nan, given[spec.name])
              for spec in subject.parameters if spec.name in given}
    entity = repertoire.entity_numbers(subject)[torch.from_numpy(place)]
    assert numbers.shape[-1] == group * NUMBERS + EXTRA
    return Bodies(
        States(entity[:, None],
               torch.from_numpy(np.where(valid, numbers, 0.0).astype(np.float32)),
               torch.from_numpy(valid.astype(np.float32)), torch.from_numpy(known),
               torch.ones(count, groups), torch.from_numpy(push)),
        torch.full((count,), repertoire.number(subject)),
        repertoire.tell(subject, values, count),
        torch.full((count,), group / one.clips.fps))


def _pushes(rows: np.ndarray, slot: np.ndarray, start: np.ndarray, seconds: float, groups: int,
            length: float) -> np.ndarray:
    """Pushes (B, 1, G, 5) of single bodies, as `worldsim.diffusion.pushes.write_push` writes them.

    rows : (B, 5) time, number of the object, velocity; NaN for none.
    """
    push = np.zeros((len(rows), 1, groups, 5), np.float32)
    at = (rows[:, 0] - start) / seconds
    with np.errstate(invalid="ignore"):
        mine = (at >= 0) & (at < groups) & (rows[:, 1] == slot)
    which = np.flatnonzero(mine)
    group = np.floor(at[which]).astype(int)
    push[which, 0, group, 0] = 1.0
    push[which, 0, group, 1] = at[which] - group
    push[which, 0, group, 2:] = rows[which, 2:] / length
    return push


def no_stage(count: int, groups: int) -> Stage:
    """What carries no picture."""
    return Stage(torch.zeros(count, 0, groups, 3, 0, 0), torch.zeros(count, 0, groups),
                 torch.zeros(count, 0, 3, 4), torch.zeros(count, 1, dtype=torch.bool))


def of_one_group(motion: Motion, known: Tensor) -> Motion:
    """The motion of one unknown group (B, E, 1, …) of each body: from one known group, all of them
    have the same laws. known : (B, E, G)."""
    group = (known <= 0).int().argmax(2, keepdim=True)

    def of(part: Tensor) -> Tensor:
        index = group.view(*group.shape, *[1] * (part.ndim - 3))
        return part.gather(2, index.expand(*group.shape, *part.shape[3:]))

    return Motion(*(of(getattr(motion, field.name)) for field in dataclasses.fields(Motion)))
