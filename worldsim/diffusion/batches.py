"""From stored clips to what one training step needs, every draw keyed by (seed, step)."""

from __future__ import annotations

import dataclasses

import numpy as np
import torch
from torch import Tensor

from worldsim.diffusion.clips import ClipSet
from worldsim.diffusion.conditioning import (
    CLIP_START,
    ParameterSpec,
    encode_parameters,
)
from worldsim.diffusion.known import context_cells, group_levels
from worldsim.diffusion.objective import ObjectiveConfig, importance
from worldsim.diffusion.patches import Grid, PatchConfig, grid_of, to_cells
from worldsim.diffusion.transformer import Condition, Context
from worldsim.seeding import stream


@dataclasses.dataclass(frozen=True)
class BatchConfig:
    """Which clips make a batch.

    tokens : tokens per batch; a batch holds as many clips as fit.
    frames : frames of a clip.
    joint : share of batches that hold all views of each clip in one sequence.
    first_view : in the other batches, share of clips of the first camera.
    from_start : share of clips that begin where the simulation begins.
    """

    tokens: int = 2304
    frames: int = 60
    joint: float = 0.25
    first_view: float = 0.9
    from_start: float = 0.6


@dataclasses.dataclass(frozen=True)
class TrainingClips:
    """Clips with the weight of every pixel (case, view, time, row, column), uint8."""

    clips: ClipSet
    weight: Tensor

    @classmethod
    def weigh(cls, clips: ClipSet, objective: ObjectiveConfig) -> TrainingClips:
        """Find what matters in every clip, once."""
        return cls(clips, torch.cat([importance(video[None], objective) for video in clips.video]))


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
    and uint8; level : (B, V*G); expected : `ObjectiveConfig.expected`.
    """

    clean: Tensor
    noise: Tensor
    known: Tensor
    weight: Tensor
    level: Tensor
    context: Context
    condition: Condition
    grid: Grid
    expected: float

    @property
    def clips(self) -> int:
        return len(self.clean)


def draw_batch(training: TrainingClips, cases: np.ndarray, specs: tuple[ParameterSpec, ...],
               seed: int, step: int, batch: BatchConfig, objective: ObjectiveConfig,
               patches: PatchConfig, pool: NoisePool) -> Batch:
    """The batch of one step; it depends on nothing but the arguments.

    Parameters
    ----------
    cases : indices into the clips to draw from.
    """
    clips = training.clips
    rng = stream(seed, step, 0, "training batch")
    views = len(clips.cameras) if rng.random() < batch.joint else 1
    grid = grid_of(batch.frames, clips.size, clips.fps, views, patches)
    count = max(1, batch.tokens // grid.tokens)
    chosen = rng.choice(cases, count)
    latest = clips.frames - batch.frames
    starts = np.where(rng.random(count) < batch.from_start, 0, rng.integers(0, latest + 1, count))
    camera = np.tile(np.arange(len(clips.cameras)), (count, 1))
    if views == 1:
        other = np.minimum(rng.integers(1, max(2, len(clips.cameras)), count),
                           len(clips.cameras) - 1)
        camera = np.where(rng.random(count) < batch.first_view, 0, other)[:, None]
    mirrored = rng.random(count) < 0.5
    video, weight = (
        torch.stack([
            torch.stack([
                _film(source[case, view, start:start + batch.frames],
                      clips.mirror_axes[view] if mirror else None)
                for view in row
            ])
            for case, start, row, mirror in zip(chosen, starts, camera, mirrored, strict=True)
        ])
        for source in (clips.video, training.weight)
    )
    named = {spec.name for spec in specs}
    told = {name: values[chosen] for name, values in clips.parameters.items() if name in named}
    if CLIP_START in named:
        told[CLIP_START] = starts / clips.fps
    told = {name: np.where(rng.random(count) < objective.drop, np.nan, values)
            for name, values in told.items()}
    return assemble(video, weight, torch.from_numpy(camera), told, specs, grid, rng, objective,
                    patches, pool)


def _film(frames: Tensor, mirror_axis: str | None) -> Tensor:
    """A view's frames (time, row, column, …), mirrored across the scene's plane of symmetry."""
    return frames if mirror_axis is None else frames.flip({"rows": 1, "columns": 2}[mirror_axis])


def assemble(video: Tensor, weight: Tensor, camera: Tensor, told: dict[str, np.ndarray],
             specs: tuple[ParameterSpec, ...], grid: Grid, rng: np.random.Generator,
             objective: ObjectiveConfig, patches: PatchConfig, pool: NoisePool) -> Batch:
    """Draw known sets, levels and noise for clips (B, V, T, rows, columns, 3) uint8."""
    count, views, frames, rows, columns = video.shape[:5]
    known = objective.known.draw(rng, (count, views, frames, rows, columns), patches.frames)
    context_noise = torch.from_numpy(
        np.where(rng.random(count) < 0.5, 0, rng.random(count) * objective.context_noise)
    ).float()
    level = objective.levels.draw(count, views * grid.groups, rng)
    level = group_levels(level.unflatten(1, (views, -1)), known, context_noise, patches.frames)
    features, presence = encode_parameters(specs, told, count)
    clean = to_cells(video, patches).unflatten(-1, (3, -1))
    reference_noise = pool.draw(count, (views, grid.groups, rows, columns, 3), rng)
    return Batch(
        clean=clean,
        noise=pool.draw(count, tuple(clean.shape[1:]), rng),
        known=to_cells(known.expand(video.shape[:5])[..., None], patches),
        weight=to_cells(weight[..., None], patches),
        level=level.flatten(1),
        context=context_cells(video, known, grid, patches, context_noise, reference_noise),
        condition=Condition(camera, features, presence, context_noise),
        grid=grid,
        expected=objective.expected,
    )

