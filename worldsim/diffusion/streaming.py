"""Streaming: one group of frames after another, for as long as one likes.

In block-causal order what has been dreamed never changes, so its keys and values are kept and only
the new group is computed: some evaluations to denoise it, and one that reads the finished group as
known. The memory holds what is told and as many groups as a clip of the training has; positions in
time are counted from the oldest of them, so that neither memory nor positions grow.

Where bodies carry the picture, their states come first, as in whole clips
(`worldsim.diffusion.states_first`): a group's pixels show what `StateStream` has dreamed, and are
taken, again and again, from the last frame that was given: looks do not wear off.
"""

from __future__ import annotations

import dataclasses
import itertools
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from worldsim.diffusion.causal_steps import begin, extend, group_rotations
from worldsim.diffusion.dreaming import Dream
from worldsim.diffusion.known import Reference, context_cells, reference_of
from worldsim.diffusion.layers import LayerMemory
from worldsim.diffusion.motion import Motion, motion_of
from worldsim.diffusion.observables import NUMBERS
from worldsim.diffusion.patches import from_cells, grid_of, to_cells, to_uint8, to_unit
from worldsim.diffusion.pushes import pushes, write_push
from worldsim.diffusion.sampler import settled
from worldsim.diffusion.schedule import advanced, sampling_levels
from worldsim.diffusion.sequence import Condition, States
from worldsim.diffusion.staging import stage_of
from worldsim.diffusion.state_stream import StateStream, finished, in_a_row
from worldsim.diffusion.states_first import read
from worldsim.errors import InputError
from worldsim.seeding import stream

if TYPE_CHECKING:
    from worldsim.diffusion.model import VideoDiffusion
    from worldsim.mechanics import Kick
    from worldsim.query import Query

STEPS = 2
"""Evaluations per group of frames: bodies carry their looks, so that more change little."""


@dataclasses.dataclass(frozen=True)
class _Reference:
    """A finished frame that later ones are taken from: the last one, or the last that was given.

    picture : (1, V, rows, columns, 3) uint8. numbers : (1, slot, 9), states then. frame : its
    number.
    """

    picture: Tensor
    numbers: Tensor
    frame: int


class MemberStream:
    """One member's frames, group after group, without end."""

    def __init__(self, model: VideoDiffusion, query: Query, told: dict[str, np.ndarray], case: int,
                 realization: int, steps: int) -> None:
        self.dream = Dream(model, query, told, case, realization)
        self.model, self.query = model, query
        self.levels = sampling_levels(steps, self.dream.sampler.shift).tolist()
        self.patches = model.config.transformer.patches
        network = model.network
        views = len(query.cameras)
        self.grid = grid_of(self.patches.frames, self.dream.canvas.shape, views, self.patches)
        self.longest = max(1, self.dream.subject.frames // self.patches.frames)
        self.slots = self.dream.subject.slots
        self.bodies = model.config.repertoire.bodies(self.dream.subject)
        self.condition = self.dream.condition(self.grid, 0, own=False)
        self.rotations = group_rotations(
            network, self.condition, self.grid, self.slots,
            network.extra_tokens(self.condition.told.number.shape[1]), self.longest)
        self.memories = [LayerMemory() for _ in range(network.config.layers)]
        noise = torch.full_like(self.condition.context_noise, self.dream.sampler.context_noise)
        self.condition_kept = dataclasses.replace(self.condition, context_noise=noise)
        with torch.inference_mode():
            begin(network, self.condition, self.memories)
            self.told = network.tell(self.condition)[0]
            self.told_kept = network.tell(self.condition_kept)[0]
        self.group = 0
        self.reference: _Reference | None = None
        self.last: States | None = None
        self.path: StateStream | None = None
        if self.dream.subject.foreseen and not self.dream.sampler.together:
            self.path = StateStream(self.dream, self.longest)
            read(self.dream, 0, query.frames, 0)
            self.dream.noise = self.dream.sampler.reading_noise

    @torch.inference_mode()
    def next(self, push: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
        """The next group: video (V, F, rows, columns, 3) uint8 and states (F, slot, 9) normalised.

        push : (time within the group [s], number of the object, velocity) of an intervention.
        """
        count, first = self.patches.frames, self.group * self.patches.frames
        video, known = self._given(first)
        states = self._states(first, push)
        # Known pixels of a group that is not known whole say something of its states.
        if self.path and not bool(states.known.all()) and bool(known.all() | ~known.any()):
            said = self.path.next(states)
            self.dream.learn(states, said[0], 0, 0)
            said = self._put_back(self.dream.same_bodies(said), first)
            states = finished(states, said, self.bodies)
        rng = stream(self.query.seed, self.dream.case, self.dream.realization,
                     f"stream {self.group}")
        pixels = to_cells(to_unit(video), self.patches).unflatten(-1, (3, -1))
        numbers = states.numbers
        if not bool(known.all()):
            reference, then = self._behind(video, known)
            noise = torch.from_numpy(rng.standard_normal(video.shape, np.float32))
            said_noise = torch.from_numpy(
                rng.standard_normal(tuple(numbers.shape), np.float32))
            given, told = pixels, numbers
            mask = to_cells(known.expand(video.shape[:-1])[..., None], self.patches)[..., None, :]
            context = context_cells(reference, known, self.patches)
            stage = stage_of(reference, self.dream.subject, self.query.cameras,
                             self.model.config.repertoire, self.dream.canvas)
            is_told = states.known[..., None] > 0
            pixels = torch.where(mask, given, to_cells(noise, self.patches).unflatten(-1, (3, -1)))
            numbers = torch.where(is_told, told, said_noise)
            led = self._led(states)
            for now, later in itertools.pairwise(self.levels):
                at = torch.tensor(now)
                seen = dataclasses.replace(states, numbers=numbers,
                                           level=at.expand(states.level.shape))
                found = self._evaluate(pixels, at.expand(1, self.grid.views), context,
                                       self.condition, seen, stage, then, led)
                clean, said = found.pixels.view_as(pixels), settled(found.numbers)
                pixels = torch.where(mask, given, advanced(pixels, clean, now, later))
                numbers = torch.where(is_told, told, advanced(numbers, said, now, later))
            dreamed = to_uint8(from_cells(pixels.flatten(-2), self.grid, self.patches))
            video = torch.where(known[..., None], video, dreamed)
        elif self.slots and not bool(states.known.all()):
            numbers = self._read_off(video, states, rng)
        numbers = self._put_back(numbers, first)
        self._keep(video, numbers, states)
        self.dream.learn(states, numbers[0], 0, 0)
        frames = numbers[0, :, 0, :-4].unflatten(-1, (count, NUMBERS)).transpose(0, 1)
        given = bool(known[:, :, -1].all())
        if self.path is None or self.reference is None or given:
            self.reference = _Reference(video[:, :, -1], frames[-1][None], first + count - 1)
        self.last = finished(states, numbers, self.bodies)
        self.group += 1
        return video[0].numpy(), frames.numpy()

    def _given(self, first: int) -> tuple[Tensor, Tensor]:
        """Known pixels of the group that begins at frame `first`, and which they are."""
        count = self.patches.frames
        shape = self.dream.video.shape
        video = np.zeros((shape[0], count, *shape[2:]), np.uint8)
        known = np.zeros(video.shape[:-1], bool)
        within = slice(first, min(first + count, shape[1]))
        if first < shape[1]:
            length = within.stop - first
            video[:, :length] = self.dream.video[:, within]
            known[:, :length] = self.dream.known[:, within]
        mask = torch.from_numpy(known)[None]
        whole = mask.flatten(3).all(-1)[..., None, None]
        return torch.from_numpy(video)[None], whole if bool((whole == mask).all()) else mask

    def _states(self, first: int, push: np.ndarray | None) -> States:
        count = self.patches.frames
        self.dream.pushed |= push is not None
        states = self.dream.token_states(first, count)
        if push is not None:
            into, push = states.push[0].numpy(), push.copy()
            push[1] = self.dream.slot_meant(int(push[1]))
            write_push(into, push, 0.0, count / self.query.fps, self.dream.subject.length)
        return states

    def _put_back(self, numbers: Tensor, first: int) -> Tensor:
        """Numbers with the known frames of groups that are not known whole."""
        frames = numbers[0, :, 0, :-4].unflatten(-1, (-1, NUMBERS)).transpose(0, 1).clone()
        span = slice(first, first + len(frames))
        known = self.dream.states_known[span][..., None] & np.isfinite(self.dream.states[span])
        into = frames[:len(known)]
        into[torch.from_numpy(known)] = torch.from_numpy(self.dream.states[span][known])
        merged = torch.cat([frames.transpose(0, 1).flatten(1), numbers[0, :, 0, -4:]], -1)
        return merged[None, :, None]

    def _behind(self, video: Tensor, known: Tensor) -> tuple[Reference, Tensor | None]:
        """Reference of an unknown group, unless the group itself has known frames; and the states
        then, None for those of the group itself."""
        seconds, count = self.condition.seconds, self.patches.frames
        own = reference_of(video, known, count, seconds)
        if self.reference is None or bool(known.any()):
            return own, None
        size = video.shape[3:5]
        # Never older than training knew one.
        frames = min(self.group * count + count // 2 - self.reference.frame, self.longest * count)
        age = -frames * (seconds / count)
        exists = torch.ones(1, self.grid.views, 1, *size, dtype=torch.bool)
        reference = Reference(to_unit(self.reference.picture)[:, :, None], exists[..., :1, :1],
                              torch.zeros(1, self.grid.views, 1, dtype=torch.long),
                              age.view(1, 1, 1, 1, 1).expand(1, self.grid.views, 1, 1, 1))
        then = self.reference.numbers[:, None, None]
        return reference, then.expand(1, self.grid.views, 1, -1, -1)

    def _evaluate(self, pixels: Tensor, level: Tensor, context: Any, condition: Condition,
                  states: States, stage: Any, then: Tensor | None,
                  led: tuple[Motion, Tensor]) -> Any:
        """One evaluation of the group at work; `led` is of `_led`."""
        back = len(self.memories[0].blocks) - 1
        extra = self.memories[0].blocks[0][0].shape[2]
        upto = extra + (back + 1) * (self.grid.tokens + self.slots)
        rotations = (self.rotations[0][:, :, :upto], self.rotations[1][:, :, :upto])
        told = self.told_kept if condition is self.condition_kept else self.told
        motion, lawful = led
        return extend(self.model.network, told, pixels.flatten(-2), level, context, condition,
                      dataclasses.replace(states, lawful=lawful), stage, self.grid, then, motion,
                      rotations, self.memories)

    def _led(self, states: States) -> tuple[Motion, Tensor]:
        """How the entities of the group at work move from the last one, and where laws lead: that
        follows from what is known alone, the same in all evaluations."""
        if self.last is not None:
            states = in_a_row([self.last, states])
        found = motion_of(states.numbers, states.known, self.condition.seconds, states.push)
        lawful = self.model.network.lawful(self.condition, states)
        return Motion(*(getattr(found, field.name)[:, :, -1:]
                        for field in dataclasses.fields(Motion))), lawful[:, :, -1:]

    def _known_pass(self, video: Tensor, states: States, condition: Condition,
                    led: tuple[Motion, Tensor]) -> Any:
        """One evaluation of a finished group, as known."""
        mask = torch.ones(1, self.grid.views, self.patches.frames, 1, 1, dtype=torch.bool)
        reference = reference_of(video, mask, self.patches.frames, self.condition.seconds)
        pixels = to_cells(to_unit(video), self.patches).unflatten(-1, (3, -1))
        numbers = states.numbers[:, :, 0, :-4].unflatten(-1, (self.patches.frames, NUMBERS))
        then = numbers[:, :, self.patches.frames // 2][:, None, None]
        level = (1 - condition.context_noise)[:, None].expand(1, self.grid.views)
        return self._evaluate(
            pixels, level, context_cells(reference, mask, self.patches), condition, states,
            stage_of(reference, self.dream.subject, self.query.cameras,
                     self.model.config.repertoire, self.dream.canvas),
            then.expand(1, self.grid.views, 1, -1, -1), led)

    def _read_off(self, video: Tensor, states: States, rng: np.random.Generator) -> Tensor:
        """States of a group whose pixels are known."""
        numbers = torch.from_numpy(rng.standard_normal(tuple(states.numbers.shape), np.float32))
        is_told = states.known[..., None] > 0
        numbers = torch.where(is_told, states.numbers, numbers)
        led = self._led(states)
        for now, later in itertools.pairwise(self.levels):
            at = torch.tensor(now)
            seen = dataclasses.replace(states, numbers=numbers, level=at.expand(1, 1))
            said = settled(self._known_pass(video, seen, self.condition, led).numbers)
            numbers = torch.where(is_told, states.numbers, advanced(numbers, said, now, later))
        return numbers

    def _keep(self, video: Tensor, numbers: Tensor, states: States) -> None:
        """Read the finished group as known, and remember it."""
        states = finished(states, numbers, self.bodies)
        if self.path:
            self.path.keep(states)
        self._known_pass(video, states, self.condition_kept, self._led(states))
        for memory in self.memories:
            memory.keep(self.longest - 1)


class EndlessStream:
    """A query's answer group by group, beyond its duration (see `worldsim.world_model.Stream`).

    `step` returns {camera: (case, realization, time, row, column, 3)}; `states` are those of the
    last step, (case, realization, time, entity, 9) in the entities' units.
    """

    def __init__(self, model: VideoDiffusion, query: Query, told: dict[str, np.ndarray],
                 steps: int = STEPS) -> None:
        self._query = query
        self._members = [[MemberStream(model, query, told, case, realization, steps)
                          for realization in range(query.realizations)]
                         for case in range(query.cases)]
        self.states: np.ndarray | None = None

    def step(self, action: Kick | None = None) -> dict[str, np.ndarray]:
        """The next group of frames.

        action : a push in that group; its time counts from the group's first frame.
        """
        query = self._query
        push = None
        if action is not None:
            subject = self._members[0][0].dream.subject
            push = pushes(dataclasses.replace(query, actions=(action,)), subject)[0]
            if not 0 <= action.time < self._members[0][0].patches.frames / query.fps:
                raise InputError(f"a push at {action.time:g} s of the next group of frames, which "
                                 "ends before; count from its first frame")
        groups = [[member.next(push) for member in row] for row in self._members]
        self.states = np.stack([np.stack([
            member.dream.said(states) for (_, states), member in zip(row, members, strict=True)])
            for row, members in zip(groups, self._members, strict=True)])
        pictures = self._members[0][0].dream.pictures
        return {camera: np.stack([np.stack([pictures(video)[view] for video, _ in row])
                                  for row in groups])
                for view, camera in enumerate(query.cameras)}

