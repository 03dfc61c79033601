"""From stored clips to what one training step needs, every draw keyed by (seed, step)."""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Hashable
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from worldsim.diffusion.carrying import Stage
from worldsim.diffusion.conditioning import Told
from worldsim.diffusion.known import Reference, context_cells, group_levels, reference_of
from worldsim.diffusion.law_batches import Bodies, draw_bodies, joined, no_stage
from worldsim.diffusion.look_batches import draw_looks, planes_of
from worldsim.diffusion.looking import Looks
from worldsim.diffusion.objective import ObjectiveConfig
from worldsim.diffusion.patches import Grid, PatchConfig, grid_of, to_cells
from worldsim.diffusion.picking import Clip, pick
from worldsim.diffusion.repertoire import Repertoire
from worldsim.diffusion.sequence import Condition, Context, States, causal_mask
from worldsim.diffusion.staging import projections, state_numbers
from worldsim.diffusion.training_clips import BatchConfig, TrainingClips, families
from worldsim.seeding import stream


class Kind(enum.Enum):
    """What a batch teaches.

    FILMS : pixels and states of one view, or of all. READINGS : the states of one known group of
    frames. PATHS : states alone. LAWS : of the laws, without the transformer. LOOKS : where
    single bodies are, how they are turned and how large, without it either.
    """

    FILMS = "films"
    READINGS = "readings"
    PATHS = "paths"
    LAWS = "laws"
    LOOKS = "looks"

    @property
    def alone(self) -> bool:
        """Whether there are no pixels."""
        return self in (Kind.PATHS, Kind.LAWS, Kind.LOOKS)

    @property
    def place(self) -> int:
        """Among the kinds."""
        return list(Kind).index(self)


class NoisePool:
    """Normal deviates drawn once and handed out from random places.

    Drawing fresh ones takes a fifth of a training step. What is handed out is a window of the
    pool, not a copy; a step's window begins anywhere, so that pixels meet other noise each time.
    """

    def __init__(self, seed: int, size: int = 2**25) -> None:
        generator = torch.Generator().manual_seed(seed)
        self.values = torch.randn(size, generator=generator)

    def draw(self, count: int, shape: tuple[int, ...], rng: np.random.Generator) -> Tensor:
        """Noise (count, *shape)."""
        length = count * int(np.prod(shape))
        assert length < len(self.values)
        offset = int(rng.integers(0, len(self.values) - length))
        return self.values[offset:offset + length].view(count, *shape)


@dataclasses.dataclass(frozen=True)
class Batch:
    """Input of one training step: cells of pixels, levels, and what is known and told.

    clean : (B, N, S, C, F*P) uint8; noise : the same shape; known, weight : (B, N, S, F*P), bool
    and uint8; level : (B, V*G); expected : `Emphasis.expected`; states : with clean numbers;
    backwards : whether laws are to be learned backwards in time;
    states_noise : noise of their shape; mask : (tokens, tokens) bool.
    """

    clean: Tensor
    noise: Tensor
    known: Tensor
    weight: Tensor
    level: Tensor
    context: Context
    condition: Condition
    states: States
    states_noise: Tensor
    stage: Stage
    mask: Tensor
    grid: Grid
    expected: float
    kind: Kind = Kind.FILMS
    backwards: bool = False

    @property
    def clips(self) -> int:
        return len(self.clean)

    @property
    def views(self) -> int:
        return self.grid.views

    @property
    def shape(self) -> Hashable:
        """What decides the shapes of all tensors."""
        return self.grid, self.states.entity.shape[1], self.clips, self.kind

    @property
    def tokens(self) -> int:
        """Of a clip's patches and entities."""
        return self.grid.tokens + self.states.entity.shape[1] * self.grid.groups


@dataclasses.dataclass(frozen=True)
class LookBatch:
    """Looks at single bodies, which the transformer has no part in."""

    looks: Looks
    kind: ClassVar[Kind] = Kind.LOOKS
    tokens: ClassVar[int] = 0
    views: ClassVar[int] = 0

    @property
    def clips(self) -> int:
        return len(self.looks.told)

    @property
    def shape(self) -> Hashable:
        """What decides the shapes of all tensors."""
        return self.clips, self.kind


def draw_batch(data: tuple[TrainingClips, ...], cases: tuple[np.ndarray, ...],
               repertoire: Repertoire, seed: int, step: int, batch: BatchConfig,
               objective: ObjectiveConfig, pool: NoisePool,
               patches: PatchConfig, registers: int) -> Batch | LookBatch:
    """The batch of one step; it depends on nothing but the arguments.

    Parameters
    ----------
    cases : for every scenario, indices into the clips to draw from.
    """
    rng = stream(seed, step, 0, "training batch")
    kind = _drawn_kind(rng, data, batch)
    if kind is Kind.LAWS:
        return _of_bodies(draw_bodies(data, cases, repertoire, batch.laws_bodies, rng, objective,
                                      patches.frames, batch.from_start,
                                      batch.laws_rolled),
                          rng, objective, patches, pool)
    if kind is Kind.LOOKS:
        return LookBatch(draw_looks(data, cases, repertoire, batch.looks_bodies, rng,
                                    patches.frames))
    choice = families(data, batch, states_alone=kind.alone)
    if kind is Kind.READINGS:
        choice = tuple(f for f in choice if data[f.members[0]].subject.foreseen)
    shares = np.array([family.share for family in choice])
    family = choice[int(rng.choice(len(choice), p=shares / shares.sum()))]
    first = data[family.members[0]]
    views, frames = 1, family.frames
    if kind.alone:
        views = 0
    elif kind is Kind.READINGS:
        frames = patches.frames
    elif rng.random() < batch.joint:
        views = len(first.subject.cameras)
    size = first.subject.size if views else (patches.patch, patches.patch)
    grid = grid_of(frames, size, views, patches)
    tokens = grid.tokens
    if kind is not Kind.FILMS:
        tokens += family.slots * grid.groups + registers + repertoire.slots(first.subject.expert)
    count = max(1, batch.tokens // tokens)
    picked = [pick(data[m], cases[m], rng, frames, views, batch, objective, patches)
              for m in rng.choice(family.members, count)]
    return assemble(picked, grid, repertoire, rng, objective, patches, pool, registers,
                    first.expected, kind)


def _of_bodies(bodies: Bodies, rng: np.random.Generator, objective: ObjectiveConfig,
               patches: PatchConfig, pool: NoisePool) -> Batch:
    """A batch of bodies, of no view."""
    count, slots, groups = bodies.states.known.shape
    nothing = torch.zeros(count)
    cells = torch.zeros(count, 0, patches.cells, 3, patches.frames * patches.cell_pixels)
    flat = torch.zeros(count, 0, patches.cells, 0)
    return Batch(
        clean=cells.byte(), noise=cells, known=cells[:, :, :, 0].bool(),
        weight=cells[:, :, :, 0].byte(), level=torch.zeros(count, 0),
        context=Context(flat, flat, flat, flat),
        condition=Condition(
            bodies.scenario, torch.zeros(count, 0, groups, dtype=torch.long), bodies.told,
            nothing, objective.draw_states_noise(rng, count, alone=True), nothing,
            bodies.seconds),
        states=bodies.states,
        states_noise=pool.draw(count, tuple(bodies.states.numbers.shape[1:]), rng),
        stage=no_stage(count, groups),
        mask=torch.ones(slots * groups, slots * groups, dtype=torch.bool),
        grid=grid_of(groups * patches.frames, (patches.patch, patches.patch), 0, patches),
        expected=0.0, kind=Kind.LAWS, backwards=bodies.backwards)


def _drawn_kind(rng: np.random.Generator, data: tuple[TrainingClips, ...],
                batch: BatchConfig) -> Kind:
    """Only films where no scenario has bodies."""
    at = rng.random()
    if not any(one.subject.foreseen for one in data):
        return Kind.FILMS
    looks = batch.looks if any(one.subject.foreseen and planes_of(one) for one in data) else 0.0
    for kind, share in ((Kind.PATHS, batch.paths), (Kind.READINGS, batch.readings),
                        (Kind.LAWS, batch.laws), (Kind.LOOKS, looks)):
        if at < share:
            return kind
        at -= share
    return Kind.FILMS


def _of_each_kind(picked: list[Clip]) -> dict[tuple[str, tuple[str, ...]], list[int]]:
    """Numbers of the clips of every scenario and choice of cameras."""
    found: dict[tuple[str, tuple[str, ...]], list[int]] = {}
    for number, clip in enumerate(picked):
        found.setdefault((clip.subject.name, clip.cameras), []).append(number)
    return found


def _told(picked: list[Clip], repertoire: Repertoire) -> Told:
    """The clips' parameters as the network is told them, encoded scenario by scenario."""
    rows, parts = [], []
    for numbers in _of_each_kind(picked).values():
        clips = [picked[number] for number in numbers]
        values = {spec.name: np.array([clip.parameters.get(spec.name, np.nan) for clip in clips])
                  for spec in clips[0].subject.parameters}
        parts.append(repertoire.tell(clips[0].subject, values, len(clips)))
        rows += numbers
    back = torch.tensor(rows).argsort()
    told = joined(parts)
    return Told(*(getattr(told, field.name)[back] for field in dataclasses.fields(Told)))


def _stage(reference: Reference, picked: list[Clip], repertoire: Repertoire) -> Stage:
    """What carries the references of clips of several scenarios."""
    size = (reference.picture.shape[3], reference.picture.shape[4])
    views = len(picked[0].cameras)
    projection = torch.empty(len(picked), views, 3, 4)
    body = torch.empty(len(picked), picked[0].subject.slots, dtype=torch.bool)
    for (_, cameras), numbers in _of_each_kind(picked).items():
        subject = picked[numbers[0]].subject
        projection[numbers] = projections(subject, cameras, size)
        body[numbers] = repertoire.bodies(subject)
    return Stage(reference.picture.movedim(-1, 3), reference.frame, projection, body,
                 empty=not bool(body.any()))


def assemble(picked: list[Clip], grid: Grid, repertoire: Repertoire, rng: np.random.Generator,
             objective: ObjectiveConfig, patches: PatchConfig, pool: NoisePool, registers: int,
             expected: float, kind: Kind = Kind.FILMS) -> Batch:
    """Draw known sets, levels and noise."""
    count, views = len(picked), grid.views
    video, weight = (torch.stack([getattr(clip, name) for clip in picked])
                     for name in ("video", "weight"))
    frames, rows, columns = video.shape[2:5]
    group = patches.frames
    causal = kind is not Kind.READINGS and rng.random() < objective.known.causal
    slots = picked[0].subject.slots
    if kind.alone:
        known = torch.zeros(count, 0, frames, 1, 1, dtype=torch.bool)
        told_states = objective.known.draw_paths(rng, (count, frames), slots, group, causal)
    elif kind is Kind.READINGS:
        known = torch.ones(count, views, frames, 1, 1, dtype=torch.bool)
        told_states = torch.zeros(count, slots, grid.groups, dtype=torch.bool)
    else:
        known = objective.known.draw(rng, (count, views, frames, rows, columns), group, causal)
        told_states = objective.known.draw_states(
            rng, known, slots, group, picked[0].subject.foreseen)
    context_noise = torch.from_numpy(
        np.where(rng.random(count) < 0.5, 0, rng.random(count) * objective.context_noise)).float()
    drawn = objective.levels.draw(count, max(views, 1) * grid.groups, rng).unflatten(
        1, (max(views, 1), -1))
    own = torch.from_numpy(rng.random(count) < objective.known.own_level)
    own_levels = objective.levels.draw(count, grid.groups, rng)
    of_states = torch.where(own[:, None], own_levels, drawn[:, 0])
    seconds = torch.tensor([group / clip.subject.fps for clip in picked])
    numbers = [state_numbers(clip.states, clip.half, group) for clip in picked]
    states = States(
        entity=torch.stack([repertoire.entity_numbers(clip.subject) for clip in picked]),
        numbers=torch.stack([pair[0] for pair in numbers]),
        valid=torch.stack([pair[1] for pair in numbers]),
        known=told_states.float(),
        level=of_states,
        push=torch.from_numpy(np.stack([clip.push for clip in picked])))
    clean = to_cells(video, patches).unflatten(-1, (3, -1))
    noise = pool.draw(count, (views, grid.groups, rows, columns, 3), rng)
    reference = reference_of(video, known, group, seconds, context_noise, noise)
    condition = Condition(
        scenario=torch.tensor([repertoire.number(clip.subject) for clip in picked]),
        camera=torch.stack([repertoire.camera_numbers(clip.cameras) for clip in picked])[
            ..., None].expand(-1, -1, grid.groups),
        told=_told(picked, repertoire),
        context_noise=context_noise,
        states_noise=objective.draw_states_noise(rng, count, kind.alone),
        start=torch.zeros(count), seconds=seconds, expert=picked[0].subject.expert)
    extra = registers + repertoire.slots(picked[0].subject.expert)
    mask = causal_mask(grid, slots, extra)
    pixel_noise = pool.draw(count, tuple(clean.shape[1:]), rng)
    states_noise = pool.draw(count, tuple(states.numbers.shape[1:]), rng)
    from_noise = torch.from_numpy(rng.random(count) < objective.from_noise)
    states = dataclasses.replace(states, level=torch.where(from_noise[:, None], 0.0, of_states))
    return Batch(
        clean=clean,
        noise=pixel_noise,
        known=to_cells(known.expand(video.shape[:5])[..., None], patches),
        weight=to_cells(weight[..., None], patches),
        level=group_levels(drawn[:, :views], known, context_noise, group).flatten(1),
        context=context_cells(reference, known, patches),
        condition=condition, states=states,
        states_noise=states_noise,
        stage=_stage(reference, picked, repertoire),
        mask=mask if causal else torch.ones_like(mask),
        grid=grid, expected=expected, kind=kind)
