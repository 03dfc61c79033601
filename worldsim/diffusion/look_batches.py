"""Batches that teach to look at bodies: cut out of filmed clips, one by one."""

from __future__ import annotations

import dataclasses

import numpy as np
import torch

from worldsim.diffusion.looking import Looks, look, reach_of
from worldsim.diffusion.repertoire import Repertoire
from worldsim.diffusion.sequence import HALF_SIZE
from worldsim.diffusion.training_clips import TrainingClips
from worldsim.errors import InputError

ASTRAY, LOST, LOST_SHARE = 0.1, 0.4, 0.4
"""px by which bodies are looked at beside their place, as far off as the instruments are; of a
share of them up to so many half sides, as far off as the transformer's readings."""

ROUGH = (0.05, 0.6)
"""Noise of the turns that are told, as that of the transformer's readings, or worse."""

OFF_SIZE, UNKNOWN = 0.03, 0.3
"""Noise of the logarithms of the sizes that are told; of a half of them of each axis up to so much,
where nothing told of the scene says which body is the large one."""

FIRST = 0.3
"""Share of looks at the first frames of a simulation, where most of what is asked begins."""


def draw_looks(data: tuple[TrainingClips, ...], cases: tuple[np.ndarray, ...],
               repertoire: Repertoire, count: int, rng: np.random.Generator,
               frames: int) -> Looks:
    """Looks at bodies of all scenarios that are seen in a plane, as many of each and at most
    `count` in all, with what is true.

    cases : for every scenario, indices into the clips to draw from. frames : of a group.

    Raises
    ------
    InputError : fewer looks than scenarios, or no body in view in any of them.
    """
    members = [(m, planes) for m, one in enumerate(data) if one.subject.foreseen
               and (planes := planes_of(one))]
    if count < len(members):
        raise InputError(f"looks_bodies={count}: give at least one for each of the {len(members)} "
                         "scenarios whose bodies are looked at")
    each = [_of_scenario(data[m], cases[m], planes, repertoire, count // len(members), rng,
                         frames) for m, planes in members]
    parts = [part for part in each if part is not None]
    if not parts:
        raise InputError(f"no clip of {', '.join(data[m].subject.name for m, _ in members)} shows "
                         "a body: give looks=0, or make more clips")
    return Looks(*(torch.cat([getattr(part, field.name) for part in parts])
                   for field in dataclasses.fields(Looks)))


def planes_of(one: TrainingClips) -> list[int]:
    """Numbers of the views that are planes of the world."""
    views = one.subject.views
    return [number for number, camera in enumerate(one.clips.cameras)
            if views[camera].projection == "orthographic"]


def _of_scenario(one: TrainingClips, cases: np.ndarray, planes: list[int],
                 repertoire: Repertoire, count: int, rng: np.random.Generator,
                 group: int) -> Looks | None:
    """Looks at bodies of one scenario; None if none is there in what was drawn."""
    subject, clips = one.subject, one.clips
    bodies = np.flatnonzero(repertoire.bodies(subject).numpy())
    filmed = cases[cases < one.filmed]
    number = int(rng.choice(planes))
    view = subject.views[tuple(clips.cameras)[number]]
    basis = np.array(view.basis)
    each = 1 + round(1.2 * count / max(1.0, _bodies_of(one, filmed, bodies)))
    case = rng.choice(filmed, each)
    frame = np.where(rng.random(each) < FIRST, rng.integers(0, group, each),
                     rng.integers(0, clips.frames, each))
    states = one.states[case, frame][:, bodies].astype(np.float64)
    centre, scale = subject.places(bodies.tolist())
    places = states[..., :3] * scale + centre
    turns = np.concatenate([states[..., at:at + 3] @ basis.T for at in (3, 6)], -1)
    half = one.half[case][:, bodies] * (subject.length * HALF_SIZE)
    spread = np.maximum(OFF_SIZE, UNKNOWN * rng.random((*half.shape[:2], 1))
                        * (rng.random((*half.shape[:2], 1)) < 0.5))
    larger = spread * rng.standard_normal(half.shape)
    half = half * np.exp(-larger)
    shape, reach = half.shape[:2], reach_of(half, view, clips.size[0])
    lost = LOST * reach * rng.random(shape) * (rng.random(shape) < LOST_SHARE)
    away = rng.standard_normal((*shape, 2)) * np.maximum(
        lost, ASTRAY * view.height_m / clips.size[0])[..., None]
    places = places - away @ basis[:2]
    low, high = ROUGH
    size = low + (high - low) * rng.random((*shape, 1))
    rough = turns + size * rng.standard_normal(turns.shape)
    there = np.isfinite(places[..., 0]) & np.isfinite(half[..., 0])
    if not there.any():
        return None
    film = clips.video[torch.from_numpy(case), number, torch.from_numpy(frame)].numpy()
    found = look(film, np.where(there[..., None], places, centre),
                 np.where(there[..., None], half, 1.0),
                 np.where(there[..., None], rough, 0.0), view, repertoire.number(subject))
    kept = torch.from_numpy(rng.choice(np.flatnonzero(there), count, replace=there.sum() < count))
    true = torch.from_numpy(np.concatenate([away / reach[..., None], turns, larger], -1).reshape(
        -1, 11).astype(np.float32))
    return Looks(found.pictures[kept], found.scenario[kept], found.told[kept], true[kept])


def _bodies_of(one: TrainingClips, cases: np.ndarray, bodies: np.ndarray) -> float:
    """How many bodies a clip has in the mean."""
    first = one.states[cases[:64], 0][:, bodies, 0]
    return float(np.isfinite(first).sum(1).mean())
