"""Stored clips as training draws from them: weighed, normalised, grouped by shape."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from worldsim.camera.projection import Camera
from worldsim.diffusion.clips import ClipSet
from worldsim.diffusion.conditioning import CLIP_START, ParameterSpec
from worldsim.diffusion.objective import ObjectiveConfig, importance
from worldsim.diffusion.observables import BODIES, ENTITIES, NUMBERS, Entity, half_sizes
from worldsim.diffusion.repertoire import Subject, body_entity
from worldsim.diffusion.sequence import HALF_SIZE
from worldsim.errors import InputError
from worldsim.scenario import scenario_class
from worldsim.simulator.scene import Scene

FEW = 3
"""Entities of a scenario that shares batches with others of few; up to `MANY` with many."""

MANY = 8


@dataclasses.dataclass(frozen=True)
class BatchConfig:
    """Which clips make a batch.

    tokens : per batch, of which a batch holds as many clips as fit: of patches where there are
        films, else all.
    seconds : longest clips.
    frames : most frames of a clip.
    paths : share of batches of states alone, without pixels.
    laws : share of batches of states alone, without the transformer, of so many `laws_bodies`;
        `laws_rolled` is the share of these in which one group of frames is known, instead of all.
    readings : share of batches of one known group of frames, whose states are to be read off.
    looks : share of batches of so many `looks_bodies`, cut out of films, that teach to see where
        they are and how they are turned.
    joint : of the other batches, share that holds all views of each clip in one sequence.
    first_view : in batches of one view, share of clips of the main camera.
    from_start : share of clips that begin where the simulation begins.
    town : how much more often a town is drawn than another scenario.
    """

    tokens: int = 2304
    seconds: float = 12.0
    frames: int = 40
    town_frames: int = 60
    paths: float = 0.4
    readings: float = 0.2
    laws: float = 0.1
    laws_bodies: int = 1536
    laws_rolled: float = 0.5
    looks: float = 0.05
    looks_bodies: int = 1024
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
    """What the network is to know of a scenario, from its declaration and its filmed clips."""
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
                   frames, clips.size, entities, slots, _counted_along(clips, entities),
                   reach_of(clips, entities))


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


def _counted_along(clips: ClipSet, entities: tuple[Entity, ...]) -> tuple[float, ...]:
    """The axis of the main camera's picture along which bodies lie farther apart."""
    slots = [ENTITIES.index(e.name) for e in entities if e.name in ENTITIES[:BODIES]]
    if len(slots) < 2 or clips.states is None:
        return ()
    across, upward, _ = Camera.from_json(next(iter(clips.cameras.values()))).basis
    first = clips.states[:, 0, slots, :3].astype(np.float64)
    several = np.isfinite(first[..., 0]).sum(axis=1) > 1
    spread = [np.nanmean(np.nanstd(first[several] @ axis, axis=1)) if several.any() else 0.0
              for axis in (across, upward)]
    axis = across if spread[0] >= spread[1] else upward
    return tuple(float(value) for value in np.round(axis, 6))


def is_wet(entities: Sequence[Entity]) -> bool:
    """Whether there is water among the entities."""
    return any(entity.name == "gauges" for entity in entities)


def reach_of(clips: ClipSet, entities: Sequence[Entity]) -> tuple[tuple[float, ...], ...]:
    """Lowest and highest normalised numbers (9,) of all bodies in the cases where nothing is
    pushed; empty if there are none, and for what water carries: its laws are known too little, and
    lead it farther astray within bounds."""
    bodies = [entity for entity in entities if entity.name in ENTITIES[:BODIES]]
    if not bodies or clips.states is None or is_wet(entities):
        return ()
    alone = np.ones(len(clips), bool) if clips.pushes is None else ~np.isfinite(
        clips.pushes).any(axis=(1, 2))
    if not alone.any():
        return ()
    numbers = [(clips.states[alone, :, ENTITIES.index(one.name)] - one.centre) / one.scale
               for one in bodies]
    ends = (of(numbers, axis=(0, 1, 2)) for of in (np.nanmin, np.nanmax))
    return tuple(tuple(np.round(end, 4).tolist()) for end in ends)


@dataclasses.dataclass(frozen=True)
class TrainingClips:
    """Clips of one scenario as training draws from them; first those that were filmed, then those
    of which only states were kept.

    clips : the filmed ones. weight : of every pixel (case, view, time, row, column).
    states, half : normalised (case, time, slot, 9) and (case, slot, 3). pushes : (case, 5), NaN
    where nothing is pushed. parameters : codes (case,) by name.
    """

    clips: ClipSet
    subject: Subject
    weight: Tensor
    states: np.ndarray
    half: np.ndarray
    pushes: np.ndarray
    parameters: Mapping[str, np.ndarray]
    expected: float

    @classmethod
    def weigh(cls, clips: ClipSet, subject: Subject, objective: ObjectiveConfig,
              unfilmed: ClipSet | None = None) -> TrainingClips:
        """Find what matters in every clip, once."""
        emphasis = objective.town if is_town(clips.scenario) else objective.others
        weight = torch.cat([importance(video[None], emphasis) for video in clips.video])
        both = [clips] if unfilmed is None else [clips, unfilmed]
        normalised = [_normalised(one, subject, clips.frames) for one in both]
        return cls(
            clips, subject, weight,
            np.concatenate([states for states, _ in normalised]),
            np.concatenate([half for _, half in normalised]),
            np.concatenate([np.full((len(one), 5), np.nan) if one.pushes is None
                            else one.pushes[:, 0] for one in both]),
            {name: np.concatenate([one.parameters[name] for one in both])
             for name in clips.parameters},
            emphasis.expected)

    @property
    def filmed(self) -> int:
        """Cases of which there is a video."""
        return len(self.clips)


def _normalised(clips: ClipSet, subject: Subject, frames: int) -> tuple[np.ndarray, np.ndarray]:
    count = len(clips)
    states = np.full((count, frames, subject.slots, NUMBERS), np.nan, np.float32)
    half = np.full((count, subject.slots, 3), np.nan, np.float32)
    for slot, entity in enumerate(subject.entities):
        number = ENTITIES.index(entity.name)
        assert clips.states is not None
        raw = clips.states[:, :frames, number]
        states[:, :, slot] = (raw - entity.centre) / entity.scale
        if number < BODIES and clips.solids is not None:
            half[:, slot] = half_sizes(clips.solids[:, number]) / subject.length / HALF_SIZE
    return states, half


def paired(clips: Sequence[ClipSet], group: int) -> list[tuple[ClipSet, ClipSet | None]]:
    """Filmed clips of every scenario with those of which only states were kept.

    Raises
    ------
    InputError : states without filmed clips of the same scenario, version and rate, or shorter;
        a scenario twice; clips shorter than a group of frames.
    """
    filmed = [one for one in clips if one.cameras]
    names = [one.scenario for one in filmed]
    if len(set(names)) < len(names):
        raise InputError(f"several directories of filmed clips of {max(names, key=names.count)}; "
                         "give one of each scenario")
    beside: dict[str, ClipSet] = {}
    for one in clips:
        if one.cameras:
            if one.frames < group:
                raise InputError(f"the clips of {one.scenario} have {one.frames} frames, training "
                                 f"needs {group}")
            continue
        if one.scenario not in names or one.scenario in beside:
            raise InputError(f"states of {one.scenario} without video need filmed clips of it "
                             "beside them, and to be in one directory")
        film = filmed[names.index(one.scenario)]
        if (one.version, one.fps) != (film.version, film.fps) or one.frames < film.frames or (
                one.states is None):
            raise InputError(f"the states of {one.scenario} do not continue its filmed clips: same "
                             "version, rate and at least their length are needed")
        beside[one.scenario] = one
    return [(one, beside.get(one.scenario)) for one in filmed]


@dataclasses.dataclass(frozen=True)
class Family:
    """Scenarios whose clips fit into one batch, and how often it is drawn."""

    members: tuple[int, ...]
    frames: int
    slots: int
    share: float


def families(data: tuple[TrainingClips, ...], batch: BatchConfig, *, states_alone: bool = False,
             ) -> tuple[Family, ...]:
    """Group scenarios by the shape of their clips and by expert.

    states_alone : only those whose states are dreamed before pixels, whatever their pixels' shape.
    """
    shapes: dict[tuple[object, ...], list[int]] = {}
    for number, one in enumerate(data):
        subject = one.subject
        key: tuple[object, ...] = (subject.frames, subject.slots, subject.expert)
        if not states_alone:
            key = (*key, subject.size, one.expected, len(subject.cameras))
        elif not subject.foreseen:
            continue
        shapes.setdefault(key, []).append(number)
    weights = [sum(batch.town if data[m].expected else 1.0 for m in members)
               for members in shapes.values()]
    return tuple(
        Family(tuple(members), data[members[0]].subject.frames, data[members[0]].subject.slots,
               weight / sum(weights))
        for members, weight in zip(shapes.values(), weights, strict=True))
