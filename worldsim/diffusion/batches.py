"""From stored clips to what one training step needs, every draw keyed by (seed, step)."""

from __future__ import annotations

import dataclasses
import functools

import numpy as np
import torch
from torch import Tensor

from worldsim.camera.projection import Camera
from worldsim.diffusion.carrying import Stage
from worldsim.diffusion.clips import ClipSet
from worldsim.diffusion.conditioning import CLIP_START, ParameterSpec
from worldsim.diffusion.known import Reference, context_cells, group_levels, reference_of
from worldsim.diffusion.objective import ObjectiveConfig, importance
from worldsim.diffusion.observables import BODIES, ENTITIES, NUMBERS, Entity, half_sizes
from worldsim.diffusion.patches import Grid, PatchConfig, grid_of, to_cells
from worldsim.diffusion.repertoire import Repertoire, Subject, body_entity
from worldsim.diffusion.transformer import HALF_SIZE, Condition, Context, States, causal_mask
from worldsim.scenario import scenario_class
from worldsim.seeding import stream
from worldsim.simulator.scene import Scene

FEW = 3
"""Entities of a scenario that shares batches with others of few; up to `MANY` with many."""

MANY = 8


@dataclasses.dataclass(frozen=True)
class BatchConfig:
    """Which clips make a batch.

    tokens : of patches per batch; a batch holds as many clips as fit.
    seconds : longest clips.
    frames : most frames of a clip.
    joint : share of batches that hold all views of each clip in one sequence.
    first_view : in the other batches, share of clips of the main camera.
    from_start : share of clips that begin where the simulation begins.
    town : how much more often a town is drawn than another scenario.
    """

    tokens: int = 2304
    seconds: float = 12.0
    frames: int = 40
    town_frames: int = 60
    joint: float = 0.06
    first_view: float = 0.85
    from_start: float = 0.6
    town: float = 3.0


@functools.cache
def is_town(scenario: str) -> bool:
    """Whether a scenario's scenes are towns, with houses and debris."""
    scene = scenario_class(scenario)().scene(0, 0)
    return isinstance(scene, Scene) and bool(scene.buildings)


def subject_of(clips: ClipSet, batch: BatchConfig, group: int) -> Subject:
    """What the network is to know of a scenario, from its declaration and its clips."""
    town = is_town(clips.scenario)
    most = min(batch.town_frames if town else batch.frames, clips.frames,
               int(batch.seconds * clips.fps))
    frames = most // group * group
    specs = [
        ParameterSpec(name, unit=spec.unit, choices=spec.choices,
                      low=0.0 if spec.choices else spec.training[0],
                      high=len(spec.choices) - 1.0 if spec.choices else spec.training[1])
        for name, spec in scenario_class(clips.scenario).parameters().items() if spec.seen
    ]
    slack = (clips.frames - frames) / clips.fps
    if slack > 0:
        specs.append(ParameterSpec(CLIP_START, "s", 0.0, slack))
    entities = _entities(clips)
    slots = 0 if not entities else FEW if len(entities) <= FEW else MANY
    return Subject(clips.scenario, clips.version, tuple(specs), dict(clips.cameras), clips.fps,
                   frames, clips.size, entities, slots)


def _entities(clips: ClipSet) -> tuple[Entity, ...]:
    """Which entities a scenario's clips keep: bodies first."""
    if clips.states is None:
        return ()
    main = Camera.from_json(next(iter(clips.cameras.values())))
    there = np.isfinite(clips.states[:, :, :, 0]).any(axis=(0, 1))
    town = is_town(clips.scenario)
    entities = []
    for number, name in enumerate(ENTITIES):
        if not there[number] or (town and number < BODIES):
            continue
        if number < BODIES:
            entities.append(body_entity(main.height_m / 2, main.target, number))
        else:
            values = clips.states[:, :, number]
            spread = np.nanstd(values, axis=(0, 1)).clip(0.05)
            entities.append(Entity(name, tuple(np.nanmean(values, axis=(0, 1)).round(4).tolist()),
                                   tuple(spread.round(4).tolist())))
    return tuple(entities[:MANY])


@dataclasses.dataclass(frozen=True)
class TrainingClips:
    """Clips of one scenario with the weight of every pixel (case, view, time, row, column), and
    normalised states (case, time, slot, 9), half sizes (case, slot, 3) and pushes."""

    clips: ClipSet
    subject: Subject
    weight: Tensor
    states: np.ndarray
    half: np.ndarray
    expected: float

    @classmethod
    def weigh(cls, clips: ClipSet, subject: Subject, objective: ObjectiveConfig) -> TrainingClips:
        """Find what matters in every clip, once."""
        emphasis = objective.town if is_town(clips.scenario) else objective.others
        weight = torch.cat([importance(video[None], emphasis) for video in clips.video])
        count = len(clips)
        states = np.full((count, clips.frames, subject.slots, NUMBERS), np.nan, np.float32)
        half = np.full((count, subject.slots, 3), np.nan, np.float32)
        for slot, entity in enumerate(subject.entities):
            number = ENTITIES.index(entity.name)
            assert clips.states is not None
            raw = clips.states[:, :clips.frames, number]
            states[:, :, slot] = (raw - entity.centre) / entity.scale
            if number < BODIES and clips.solids is not None:
                half[:, slot] = half_sizes(clips.solids[:, number]) / subject.length / HALF_SIZE
        return cls(clips, subject, weight, states, half, emphasis.expected)


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

    @property
    def clips(self) -> int:
        return len(self.clean)


@dataclasses.dataclass(frozen=True)
class Family:
    """Scenarios whose clips fit into one batch, and how often it is drawn."""

    members: tuple[int, ...]
    frames: int
    slots: int
    share: float


def families(data: tuple[TrainingClips, ...], batch: BatchConfig) -> tuple[Family, ...]:
    """Group scenarios by the shape of their clips."""
    shapes: dict[tuple[object, ...], list[int]] = {}
    for number, one in enumerate(data):
        subject = one.subject
        key = (subject.size, subject.frames, subject.slots, one.expected,
               len(subject.cameras))
        shapes.setdefault(key, []).append(number)
    weights = [sum(batch.town if data[m].expected else 1.0 for m in members)
               for members in shapes.values()]
    return tuple(
        Family(tuple(members), data[members[0]].subject.frames, data[members[0]].subject.slots,
               weight / sum(weights))
        for members, weight in zip(shapes.values(), weights, strict=True))


def draw_batch(data: tuple[TrainingClips, ...], cases: tuple[np.ndarray, ...],
               repertoire: Repertoire, seed: int, step: int, batch: BatchConfig,
               objective: ObjectiveConfig, pool: NoisePool,
               patches: PatchConfig, registers: int) -> Batch:
    """The batch of one step; it depends on nothing but the arguments.

    Parameters
    ----------
    cases : for every scenario, indices into the clips to draw from.
    """
    rng = stream(seed, step, 0, "training batch")
    kinds = families(data, batch)
    family = kinds[int(rng.choice(len(kinds), p=[kind.share for kind in kinds]))]
    first = data[family.members[0]]
    views = len(first.subject.cameras) if rng.random() < batch.joint else 1
    grid = grid_of(family.frames, first.subject.size, views, patches)
    count = max(1, batch.tokens // grid.tokens)
    picked = [_pick(data[m], cases[m], repertoire, rng, family, views, batch, objective, patches)
              for m in rng.choice(family.members, count)]
    return assemble(picked, grid, repertoire, rng, objective, patches, pool, registers,
                    first.expected)


@dataclasses.dataclass(frozen=True)
class Clip:
    """One clip of a batch, before anything is hidden from it.

    video (V, T, rows, columns, 3) uint8, weight (V, T, rows, columns), cameras by name, parameters
    by name, states (T, slot, 9) and half (slot, 3) normalised, push (slot, G, 5).
    """

    subject: Subject
    video: Tensor
    weight: Tensor
    cameras: tuple[str, ...]
    parameters: dict[str, float]
    states: np.ndarray
    half: np.ndarray
    push: np.ndarray


def _pick(one: TrainingClips, cases: np.ndarray, repertoire: Repertoire, rng: np.random.Generator,
          family: Family, views: int, batch: BatchConfig, objective: ObjectiveConfig,
          patches: PatchConfig) -> Clip:
    clips, subject = one.clips, one.subject
    case = int(rng.choice(cases))
    latest = clips.frames - family.frames
    start = 0 if rng.random() < batch.from_start else int(rng.integers(0, latest + 1))
    span = slice(start, start + family.frames)
    names = tuple(clips.cameras)
    if views == 1:
        other = int(rng.integers(1, max(2, len(names))))
        chosen = [0 if rng.random() < batch.first_view else min(other, len(names) - 1)]
    else:
        chosen = list(range(views))
    mirrored = rng.random() < 0.5
    video, weight = (
        torch.stack([_film(source[case, view, span], clips.mirror_axes[view] if mirrored else None)
                     for view in chosen])
        for source in (clips.video, one.weight))
    states = one.states[case, span]
    if mirrored and clips.mirror_axes[0] is not None:
        states = states.copy()
        for slot, entity in enumerate(subject.entities):
            if entity.name == "gauges":
                centre, scale = (np.array(part, np.float32)
                                 for part in (entity.centre, entity.scale))
                depth = (states[:, slot] * scale + centre).reshape(-1, 3, 3)[:, ::-1]
                states[:, slot] = (depth.reshape(-1, NUMBERS) - centre) / scale
    named = {spec.name for spec in subject.parameters}
    told = {name: float(values[case]) for name, values in clips.parameters.items()
            if name in named}
    if CLIP_START in named:
        told[CLIP_START] = start / clips.fps
    told = {name: value for name, value in told.items() if rng.random() >= objective.drop}
    groups = family.frames // patches.frames
    push = np.zeros((subject.slots, groups, 5), np.float32)
    if clips.pushes is not None:
        write_push(push, clips.pushes[case, 0], start / clips.fps, patches.frames / clips.fps,
                   subject.length)
    return Clip(subject, video, weight, tuple(names[view] for view in chosen), told, states,
                one.half[case], push)


def write_push(push: np.ndarray, row: np.ndarray, start: float, seconds: float,
               length: float) -> None:
    """Enter a push (time [s], number of the object, velocity [m/s]) into (slot, G, 5).

    start : s, of the clip. seconds : of a group. length : m, the unit of positions.
    """
    if not np.isfinite(row[0]):
        return
    at = (row[0] - start) / seconds
    slot, group = int(row[1]), int(np.floor(at))
    if 0 <= group < push.shape[1] and slot < push.shape[0]:
        push[slot, group] = [1.0, at - group, *(row[2:] / length)]


def _film(frames: Tensor, mirror_axis: str | None) -> Tensor:
    """A view's frames (time, row, column, …), mirrored across the scene's plane of symmetry."""
    return frames if mirror_axis is None else frames.flip({"rows": 1, "columns": 2}[mirror_axis])


def state_numbers(states: np.ndarray, half: np.ndarray, frames: int) -> tuple[Tensor, Tensor]:
    """Numbers and which of them are valid, (slot, G, F*9 + 4), from (T, slot, 9) and (slot, 3)."""
    slots, groups = states.shape[1], len(states) // frames
    grouped = states.reshape(groups, frames, slots, NUMBERS).transpose(2, 0, 1, 3)
    there = np.isfinite(states[:, :, 0]).all(axis=0)
    numbers = np.concatenate([
        grouped.reshape(slots, groups, frames * NUMBERS),
        np.broadcast_to(half[:, None], (slots, groups, 3)),
        np.broadcast_to(np.where(there, 1.0, -1.0)[:, None, None], (slots, groups, 1))], -1)
    valid = np.isfinite(numbers)
    return (torch.from_numpy(np.where(valid, numbers, 0.0).astype(np.float32)),
            torch.from_numpy(valid.astype(np.float32)))


def stage_of(reference: Reference, subject: Subject, cameras: tuple[str, ...],
             repertoire: Repertoire) -> Stage:
    """What carries the reference of one clip or of several of one scenario and views."""
    size = (reference.picture.shape[3], reference.picture.shape[4])
    batch = len(reference.picture)
    projection = torch.from_numpy(np.stack([subject.projection(camera, size)
                                            for camera in cameras])).float()
    return Stage(reference.picture.movedim(-1, 3), reference.frame,
                 projection.expand(batch, -1, -1, -1),
                 repertoire.bodies(subject).expand(batch, -1))


def assemble(picked: list[Clip], grid: Grid, repertoire: Repertoire, rng: np.random.Generator,
             objective: ObjectiveConfig, patches: PatchConfig, pool: NoisePool, registers: int,
             expected: float) -> Batch:
    """Draw known sets, levels and noise."""
    count, views = len(picked), grid.views
    video, weight = (torch.stack([getattr(clip, name) for clip in picked])
                     for name in ("video", "weight"))
    frames, rows, columns = video.shape[2:5]
    group = patches.frames
    causal = rng.random() < objective.known.causal
    known = objective.known.draw(rng, (count, views, frames, rows, columns), group, causal)
    context_noise = torch.from_numpy(
        np.where(rng.random(count) < 0.5, 0, rng.random(count) * objective.context_noise)).float()
    drawn = objective.levels.draw(count, views * grid.groups, rng).unflatten(1, (views, -1))
    own = torch.from_numpy(rng.random(count) < objective.known.own_level)
    own_levels = objective.levels.draw(count, grid.groups, rng)
    seconds = torch.tensor([group / clip.subject.fps for clip in picked])
    slots = picked[0].subject.slots
    numbers = [state_numbers(clip.states, clip.half, group) for clip in picked]
    states = States(
        entity=torch.stack([repertoire.entity_numbers(clip.subject) for clip in picked]),
        numbers=torch.stack([pair[0] for pair in numbers]),
        valid=torch.stack([pair[1] for pair in numbers]),
        known=objective.known.draw_states(rng, known, slots, group).float(),
        level=torch.where(own[:, None], own_levels, drawn[:, 0]),
        push=torch.from_numpy(np.stack([clip.push for clip in picked])))
    clean = to_cells(video, patches).unflatten(-1, (3, -1))
    noise = pool.draw(count, (views, grid.groups, rows, columns, 3), rng)
    reference = reference_of(video, known, group, seconds, context_noise, noise)
    stages = [stage_of(Reference(reference.picture[i:i + 1], reference.exists[i:i + 1],
                                 reference.frame[i:i + 1], reference.age[i:i + 1]),
                       clip.subject, clip.cameras, repertoire) for i, clip in enumerate(picked)]
    told = [repertoire.tell(clip.subject, {n: np.array([v]) for n, v in clip.parameters.items()}, 1)
            for clip in picked]
    condition = Condition(
        scenario=torch.tensor([repertoire.number(clip.subject) for clip in picked]),
        camera=torch.stack([repertoire.camera_numbers(clip.cameras) for clip in picked])[
            ..., None].expand(-1, -1, grid.groups),
        told=type(told[0])(*(torch.cat([getattr(t, f.name) for t in told])
                             for f in dataclasses.fields(told[0]))),
        context_noise=context_noise, start=torch.zeros(count), seconds=seconds)
    extra = registers + repertoire.slots
    mask = causal_mask(grid, slots, extra)
    return Batch(
        clean=clean,
        noise=pool.draw(count, tuple(clean.shape[1:]), rng),
        known=to_cells(known.expand(video.shape[:5])[..., None], patches),
        weight=to_cells(weight[..., None], patches),
        level=group_levels(drawn, known, context_noise, group).flatten(1),
        context=context_cells(reference, known, patches),
        condition=condition, states=states,
        states_noise=pool.draw(count, tuple(states.numbers.shape[1:]), rng),
        stage=Stage(*(torch.cat([getattr(s, f.name) for s in stages])
                      for f in dataclasses.fields(Stage))),
        mask=mask if causal else torch.ones_like(mask),
        grid=grid, expected=expected)
