"""One member's dream: its video and states, window by window."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from worldsim.diffusion.canvas import Canvas
from worldsim.diffusion.conditioning import CLIP_START, Told
from worldsim.diffusion.known import context_cells, reference_of
from worldsim.diffusion.naming import called
from worldsim.diffusion.observables import ENTITIES, NUMBERS
from worldsim.diffusion.patches import Grid, from_cells, grid_of, to_cells, to_uint8, to_unit
from worldsim.diffusion.pushes import pushes, write_push
from worldsim.diffusion.sampler import Task, sample, settled
from worldsim.diffusion.sequence import HALF_SIZE, Condition, States
from worldsim.diffusion.staging import stage_of, state_numbers
from worldsim.diffusion.states_first import foresee, read
from worldsim.errors import InputError
from worldsim.seeding import stream

if TYPE_CHECKING:
    from worldsim.diffusion.model import VideoDiffusion
    from worldsim.query import Query

Chunk = dict[str, np.ndarray]

NEARLY = 0.999
"""The level from which a draft of the smallest strength begins: at 1 nothing is left to do."""


class Dream:
    """What is known of one member, and what was dreamed of it so far.

    video : (V, T, rows, columns, 3) uint8, padded to whole patches. known : (V, T, rows, columns).
    states : (T, slot, 9) normalised. states_known : (T, slot). half : (slot, 3) normalised, NaN
    until known or dreamed. there : (slot,) whether something is there, 1, -1, NaN while unknown.
    order : (slot,) which of the subject's entities a slot holds: the network counts bodies along an
    axis (`Subject.along`). bodies : (slot,) which of them are bodies. turned : (slot,) of which it
    is known how they are turned. noise : of the known states, normalised. pushed : whether anything
    was pushed. bounds : (1, 2, 9) of what is not; None for none. sampler : how the scenario is
    sampled.
    """

    def __init__(self, model: VideoDiffusion, query: Query, told: dict[str, np.ndarray], case: int,
                 realization: int) -> None:
        self.model, self.query, self.realization = model, query, realization
        self.subject = model.config.repertoire.subject(query.scenario)
        self.sampler = model.config.sampler_of(self.subject)
        self.row = case
        self.case = query.origin.cases[case] if query.origin is not None else case
        self.told = {name: values[case:case + 1] for name, values in told.items()}
        self.canvas = Canvas(query.size, model.config.transformer.patches.patch)
        shape = (len(query.cameras), query.frames, *self.canvas.shape)
        self.video = np.zeros((*shape, 3), np.uint8)
        self.known = np.zeros(shape, bool)
        for piece in query.known:
            view = query.cameras.index(piece.camera)
            first = round(piece.start * query.fps)
            span = slice(first, first + piece.video.shape[1])
            mask = np.ones(piece.video.shape[1:4], bool) if piece.mask is None else piece.mask
            self.pictures(self.video)[view, span][mask] = piece.video[case][mask]
            self.pictures(self.known)[view, span] |= mask
        # What is added to fill up the last patches is never shown; it counts as known where the
        # frame is, so that known frames are known whole.
        whole = np.asarray(self.pictures(self.known).all(axis=(2, 3)))
        self.known |= whole[:, :, None, None]
        self.video[whole] = self.canvas.around(self.pictures(self.video)[whole])
        self._know_states()
        self.pushes = pushes(query, self.subject, case)
        self.pushed = bool(self.pushes)

    def _know_states(self) -> None:
        query, subject = self.query, self.subject
        self.states = np.full((query.frames, subject.slots, NUMBERS), np.nan, np.float32)
        self.half = np.full((subject.slots, 3), np.nan, np.float32)
        self.there = np.full(subject.slots, np.nan, np.float32)
        self.there[len(subject.entities):] = -1.0
        names = [entity.name for entity in subject.entities]
        for piece in query.states:
            slot = names.index(piece.entity)
            entity = subject.entities[slot]
            first = round(piece.start * query.fps)
            values = piece.values[self.row][:query.frames - first]
            self.states[first:first + len(values), slot] = (values - entity.centre) / entity.scale
            self.there[slot] = 1.0
            if piece.half_size is not None:
                half = np.broadcast_to(piece.half_size, (len(piece.values), 3))[self.row]
                self.half[slot] = half / subject.length / HALF_SIZE
        self.states_known = np.asarray(np.isfinite(self.states).any(-1))
        self.order = np.arange(subject.slots)
        self.bodies = self.model.config.repertoire.bodies(subject).numpy()
        self.bounds = self._bounds()
        self.turned = np.ones(subject.slots, bool)
        self._meant: dict[int, int] | None = None
        self.noise = 0.0

    def chunks(self) -> Iterator[Chunk]:
        """The frames that each window adds, {camera: (time, row, column, 3)}."""
        config, query = self.model.config, self.query
        group = config.transformer.patches.frames
        longest = self.subject.frames
        overlap = max(group, round(self.sampler.overlap * query.fps) // group * group)
        # At a high rate a window may be shorter than the overlap; every window must add frames.
        overlap = max(group, min(overlap, longest // 2 // group * group))
        at, window = 0, 0
        while at < query.frames:
            first = max(0, at - overlap)
            last = min(first + longest, query.frames)
            self._dream_window(first, last, window, own=first < at)
            yield {camera: self.pictures(self.video)[v, at:last]
                   for v, camera in enumerate(query.cameras)}
            self.known[:, :last] = True
            self.states_known[:last] = True
            at, window = last, window + 1

    def condition(self, grid: Grid, first: int, own: bool) -> Condition:
        """What the network is told of a window that begins at frame `first`."""
        model, query = self.model, self.query
        told = dict(self.told)
        start = first / query.fps
        for spec in self.subject.parameters:
            if spec.name == CLIP_START and start <= spec.high:
                told[CLIP_START] = np.array([start])
        known = model.config.repertoire
        seconds = model.config.transformer.patches.frames / query.fps
        return Condition(
            scenario=torch.tensor([known.number(self.subject)]),
            camera=known.camera_numbers(query.cameras[:grid.views])[None, :, None].expand(
                -1, -1, grid.groups),
            told=known.tell(self.subject, told, 1),
            context_noise=torch.tensor([self.sampler.context_noise if own else 0.0]),
            states_noise=torch.tensor([self.noise]),
            start=torch.zeros(1), seconds=torch.tensor([seconds]),
            expert=self.subject.expert)

    def without(self, told: Told) -> tuple[tuple[float, Told], ...]:
        """What guidance compares with: all parameters untold, or one of them."""
        sampler = self.sampler
        found = [(sampler.guidance, told.untold())] if sampler.guidance != 1 else []
        names = [spec.name for spec in self.subject.parameters]
        for name, weight in sampler.guided:
            if name not in names:
                raise InputError(f"guidance of {name!r}: {self.subject.name!r} has "
                                 f"{', '.join(names)}")
            slot = names.index(name)
            features, presence = told.features.clone(), told.presence.clone()
            features[:, slot] = 0
            presence[:, slot] = 0
            found.append((weight, Told(features, presence, told.number)))
        return tuple(found)

    def token_states(self, first: int, frames: int) -> States:
        """States of `frames` frames from `first`, as far as they are known; beyond the query's
        last frame they are not."""
        group = self.model.config.transformer.patches.frames
        number = np.arange(first, first + frames)
        within = number < len(self.states)
        number = number.clip(max=len(self.states) - 1)
        states = self.states[number]
        known = self.states_known[number] & within[:, None]
        numbers, valid = state_numbers(states, self.half, group)
        there = torch.from_numpy(np.nan_to_num(self.there, nan=1.0))
        numbers[..., -1] = there[:, None]
        valid[..., -1] = 1.0
        whole = known.reshape(frames // group, group, known.shape[1]).all(1)
        tokens = torch.from_numpy(whole.T.copy())
        entity = self.model.config.repertoire.entity_numbers(self.subject)
        exists = (entity < len(ENTITIES)).float()
        valid = torch.where(tokens[..., None], valid, exists[:, None, None])
        push = np.zeros((self.subject.slots, frames // group, 5), np.float32)
        for row in self.pushes:
            row = row.copy()
            row[1] = self.slot_meant(int(row[1]))
            write_push(push, row, first / self.query.fps, group / self.query.fps,
                       self.subject.length)
        return States(entity[None], numbers[None], valid[None], tokens[None].float(),
                      torch.zeros(1, frames // group), torch.from_numpy(push)[None],
                      torch.from_numpy(self.turned)[None].float(),
                      bounds=None if self.pushed else self.bounds)

    def _bounds(self) -> Tensor | None:
        """(1, 2, 9) beyond which bodies do not go: what nobody pushes stays where the training's
        stayed, or where the query says that it is."""
        bounds = self.subject.bounds
        if bounds is None:
            return None
        told = torch.from_numpy(self.states[:, self.bodies]).flatten(0, 1)
        lowest, highest = bounds
        return torch.stack([torch.minimum(lowest, told.nan_to_num(torch.inf).amin(0)),
                            torch.maximum(highest, told.nan_to_num(-torch.inf).amax(0))])[None]

    def learn(self, states: States, numbers: Tensor, first: int, last: int) -> None:
        """Take over dreamed numbers (slot, G, …) of frames first to last, of which `states` says
        what was known."""
        slots = numbers.shape[0]
        if not slots:
            return
        frames = numbers[:, :, :-4].reshape(slots, -1, NUMBERS).transpose(0, 1).numpy()
        unknown = ~self.states_known[first:last]
        into = self.states[first:last]
        into[unknown] = frames[:last - first][unknown]
        dreamed = (states.known[0] < 1)[..., None]
        found = torch.where(dreamed, numbers[:, :, -4:], torch.nan).nanmean(1).numpy()
        there = np.where(found[:, -1] > 0, 1.0, np.where(found[:, -1] <= 0, -1.0, np.nan))
        self.there = np.where(np.isfinite(self.there), self.there, there).astype(np.float32)
        # As in training, what is not there has no numbers, and only bodies have half sizes.
        into[:, self.there < 0] = np.nan
        solid = self.bodies & (self.there > 0)
        half = np.where(solid[:, None], found[:, :3], np.nan).astype(np.float32)
        self.half = np.where(np.isfinite(self.half), self.half, half)

    def same_bodies(self, numbers: Tensor) -> Tensor:
        """Numbers (…, slot, G, n) with the half sizes and presence that were told or found before;
        both must be known by now."""
        half, there = (torch.from_numpy(np.nan_to_num(part)) for part in (self.half, self.there))
        same = torch.cat([half, there[:, None]], -1)[:, None]
        return settled(torch.cat([numbers[..., :-4], same.expand(*numbers.shape[:-1], 4)], -1))

    def _dream_window(self, first: int, last: int, window: int, own: bool) -> None:
        """Dream frames first to last; `own` says that some known frames were dreamed."""
        config, query = self.model.config, self.query
        patches = config.transformer.patches
        frames = math.ceil((last - first) / patches.frames) * patches.frames
        if self.subject.foreseen and query.draft is None and not self.sampler.together:
            if read(self, first, last, window):
                self.noise = self.sampler.reading_noise
            foresee(self, first, last, frames, window, own)
            self.noise = 0.0  # pixels are to show exactly this
        spare = ((0, 0), (0, frames - (last - first)), (0, 0), (0, 0))
        video = torch.from_numpy(np.pad(self.video[:, first:last], (*spare, (0, 0))))[None]
        known = torch.from_numpy(np.pad(self.known[:, first:last], spare))[None]
        task = self.task(video, known, first, own)
        grid = task.grid
        task = dataclasses.replace(task, without=self.without(task.condition.told),
                                   **self._draft(first, last, frames))
        rng = stream(query.seed, self.case, self.realization, f"dream window {window}")
        noise = torch.from_numpy(rng.standard_normal(video.shape, np.float32))
        states_noise = torch.from_numpy(
            rng.standard_normal(tuple(task.states.numbers.shape), np.float32))
        cells, numbers = sample(
            self.model.network, to_cells(noise, patches).unflatten(-1, (3, -1)), states_noise,
            task, self.sampler)
        pixels = from_cells(cells.flatten(-2), grid, patches)[0, :, : last - first]
        dreamed = to_uint8(pixels).numpy()
        # Known pixels are kept from the input rather than converted there and back.
        self.video[:, first:last] = np.where(
            self.known[:, first:last, :, :, None], self.video[:, first:last], dreamed)
        self.learn(task.states, numbers[0], first, last)

    def pictures(self, frames: np.ndarray) -> np.ndarray:
        """The pictures (V, T, rows, columns, …) on the canvas; a view of `frames`."""
        return frames[:, :, *self.canvas.inner]

    def task(self, video: Tensor, known: Tensor, first: int, own: bool,
             canvas: Canvas | None = None) -> Task:
        """What is to be denoised of frames (1, V, T, rows, columns, 3) from `first`, of which the
        pixels (1, V, T, rows, columns) are known; `canvas` is that of `video`, the query's by
        default."""
        patches, query = self.model.config.transformer.patches, self.query
        frames, rows, columns = video.shape[2:5]
        grid = grid_of(frames, (rows, columns), len(query.cameras), patches)
        condition = self.condition(grid, first, own)
        # Whole known frames are told as such: what bodies carry is taken from them.
        mask = known.flatten(3).all(-1)[..., None, None]
        mask = mask if bool((mask == known).all()) else known
        reference = reference_of(video, mask, patches.frames, condition.seconds)
        return Task(
            given=to_cells(to_unit(video), patches).unflatten(-1, (3, -1)),
            known=to_cells(known[..., None], patches),
            context=context_cells(reference, mask, patches), condition=condition,
            states=self.token_states(first, frames),
            stage=stage_of(reference, self.subject, query.cameras,
                           self.model.config.repertoire, canvas or self.canvas),
            grid=grid)

    def all_known(self, span: slice) -> bool:
        """Whether the states of all entities are known in these frames."""
        return bool(self.states_known[span, :len(self.subject.entities)].all())

    def slot_meant(self, number: int) -> int:
        """Which slot holds the scenario's object of that number: as states were told by name, else
        as what was seen at the beginning is most likely called (`naming.called`)."""
        if self._meant is None and self.all_known(slice(0, 2)):
            self._meant = self._called()
        entity = (self._meant or {}).get(number, number)
        return int(np.flatnonzero(self.order == entity)[0])

    def _called(self) -> dict[int, int]:
        """Entities by the numbers of objects."""
        if any(piece.entity.startswith("body") for piece in self.query.states):
            return {}
        slots = np.flatnonzero(self.bodies)
        centre, scale = self.subject.places(self.order[slots].tolist())
        places = self.states[:2, slots, :3] * scale + centre
        ways = (places[1] - places[0]) * self.query.fps
        found = called(self.query, self.row, np.concatenate([places[0], ways], -1))
        return {number: int(self.order[slots[body]]) for number, body in found.items()}

    def count(self, first: int) -> None:
        """Give bodies the slots that the network gives them in a clip from frame `first`."""
        if not self.all_known(slice(first, first + 1)):
            return
        order = self.subject.counted(self.states[first, :, :3])
        self.states, self.states_known = self.states[:, order], self.states_known[:, order]
        self.half, self.there, self.order = self.half[order], self.there[order], self.order[order]
        self.turned = self.turned[order]

    def _draft(self, first: int, last: int, frames: int) -> dict[str, Any]:
        """The part of the query's draft that a window begins from."""
        draft = self.query.draft
        if draft is None:
            return {}
        video = np.zeros((len(self.query.cameras), frames, *self.video.shape[2:]), np.uint8)
        for view, camera in enumerate(self.query.cameras):
            video[view, :last - first] = self.canvas.around(
                draft.videos[camera][self.row][first:last])
        patches = self.model.config.transformer.patches
        cells = to_cells(to_unit(torch.from_numpy(video)[None]), patches).unflatten(-1, (3, -1))
        return {"draft": cells, "begin": min(1 - draft.strength, NEARLY)}

    def said(self, states: np.ndarray | None = None) -> np.ndarray:
        """States (T, slot, 9), all that there are by default, as (T, entity, 9) in the entities'
        units; NaN where nothing is there."""
        entities = self.subject.entities
        found = self.states if states is None else states
        found = found[:, np.argsort(self.order)][:, :len(entities)].astype(np.float64)
        there = self.there[np.argsort(self.order)]
        for slot, entity in enumerate(entities):
            found[:, slot] = found[:, slot] * entity.scale + entity.centre
            if there[slot] < 0:
                found[:, slot] = np.nan
        return found
