"""States of bodies group after group: each group dreamed from those before it, without pixels.

A group has few states, so that all groups that a clip of the training has are looked at anew each
time, as whole clips are; nothing but the last groups themselves is remembered.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from worldsim.diffusion.observables import NUMBERS
from worldsim.diffusion.sequence import States
from worldsim.diffusion.states_first import sample_states, states_task

if TYPE_CHECKING:
    from worldsim.diffusion.dreaming import Dream

OF_GROUPS = ("numbers", "valid", "known", "level", "push")
"""What `States` has for every group, and where."""


class StateStream:
    """What is remembered of one member's bodies.

    longest : most groups that are looked at, the new one included.
    """

    def __init__(self, dream: Dream, longest: int) -> None:
        self.dream, self.longest = dream, longest
        self.past: list[States] = []
        self.group = 0

    def next(self, states: States) -> Tensor:
        """Numbers (1, E, 1, n) of the next group, of which `states` says what is known."""
        joined = in_a_row([*self.past, states])
        groups, count = joined.known.shape[2], self.dream.model.config.transformer.patches.frames
        first = joined.numbers[0, :, 0, :3].numpy().copy()
        # As in the training, a body is counted by where it is when the clip begins.
        first[(joined.known[0, :, 0] < 1).numpy()] = float("nan")
        first[(joined.numbers[0, :, 0, -1] < 0).numpy()] = float("nan")
        order = torch.as_tensor(self.dream.subject.counted(first))
        counted = dataclasses.replace(joined, **{
            name: getattr(joined, name)[:, order]
            for name in ("numbers", "valid", "known", "push", "turned")
            if getattr(joined, name) is not None})
        begin = (self.group - len(self.past)) * count
        task = states_task(self.dream, counted, begin, own=False)
        numbers = sample_states(self.dream, task, f"states of group {self.group}")
        return numbers[None, order.argsort(), groups - 1:]

    def keep(self, states: States) -> None:
        """Remember a finished group."""
        self.past = [*self.past, states][-(self.longest - 1):] if self.longest > 1 else []
        self.group += 1


def in_a_row(groups: list[States]) -> States:
    """Groups of the same entities as one sequence."""
    return dataclasses.replace(groups[0], **{
        name: torch.cat([getattr(one, name) for one in groups], 1 if name == "level" else 2)
        for name in OF_GROUPS})


def finished(states: States, numbers: Tensor, bodies: Tensor) -> States:
    """A group whose states are `numbers` (1, E, 1, n), as training shows what is known: what is not
    there has no numbers, and only `bodies` (E,) have half sizes."""
    there = (numbers[..., -1:] > 0).float()
    solid = bodies[:, None, None] * there
    frames = (numbers.shape[-1] - 4) // NUMBERS
    found = torch.cat([there.expand(*there.shape[:-1], frames * NUMBERS),
                       solid.expand(*there.shape[:-1], 3), torch.ones_like(there)], -1)
    valid = torch.where(states.known[..., None] > 0, states.valid, found)
    return dataclasses.replace(states, numbers=numbers, valid=valid,
                               known=torch.ones_like(states.known),
                               level=torch.ones_like(states.level))
