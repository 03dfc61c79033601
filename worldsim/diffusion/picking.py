"""One clip of a training batch, drawn from the stored ones."""

from __future__ import annotations

import dataclasses

import numpy as np
import torch
from torch import Tensor

from worldsim.diffusion.conditioning import CLIP_START
from worldsim.diffusion.objective import ObjectiveConfig
from worldsim.diffusion.observables import NUMBERS
from worldsim.diffusion.patches import PatchConfig
from worldsim.diffusion.pushes import write_push
from worldsim.diffusion.repertoire import Subject
from worldsim.diffusion.training_clips import BatchConfig, TrainingClips


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


def pick(one: TrainingClips, cases: np.ndarray, rng: np.random.Generator, frames: int,
          views: int, batch: BatchConfig, objective: ObjectiveConfig,
          patches: PatchConfig) -> Clip:
    """Draw a clip of so many frames and views of one of the cases; of no view those without video,
    too."""
    clips, subject = one.clips, one.subject
    case = int(rng.choice(cases if views == 0 else cases[cases < one.filmed]))
    latest = clips.frames - frames
    start = 0 if rng.random() < batch.from_start else int(rng.integers(0, latest + 1))
    span = slice(start, start + frames)
    names = tuple(clips.cameras)
    chosen = list(range(views))
    if views == 1:
        other = int(rng.integers(1, max(2, len(names))))
        chosen = [0 if rng.random() < batch.first_view else min(other, len(names) - 1)]
    mirrored = rng.random() < 0.5
    video, weight = (_films(source, case, chosen, span, clips.mirror_axes if mirrored else (),
                            patches.patch)
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
    told = {name: float(values[case]) for name, values in one.parameters.items()
            if name in named}
    if CLIP_START in named:
        told[CLIP_START] = start / clips.fps
    told = {name: value for name, value in told.items() if rng.random() >= objective.drop}
    push = np.zeros((subject.slots, frames // patches.frames, 5), np.float32)
    write_push(push, one.pushes[case], start / clips.fps, patches.frames / clips.fps,
               subject.length)
    order = subject.counted(states[0, :, :3])
    return Clip(subject, video, weight, tuple(names[view] for view in chosen), told,
                states[:, order], one.half[case, order], push[order])


def _films(source: Tensor, case: int, views: list[int], span: slice,
           mirror_axes: tuple[str | None, ...], patch: int) -> Tensor:
    """Frames (view, time, row, column, …) of the chosen views, mirrored or not."""
    if not views:  # scenarios of different sizes share such batches
        return source[0, :0, span, :patch, :patch]
    return torch.stack([_film(source[case, view, span], mirror_axes[view] if mirror_axes else None)
                        for view in views])


def _film(frames: Tensor, mirror_axis: str | None) -> Tensor:
    """A view's frames (time, row, column, …), mirrored across the scene's plane of symmetry."""
    return frames if mirror_axis is None else frames.flip({"rows": 1, "columns": 2}[mirror_axis])
