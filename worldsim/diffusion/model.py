"""The video diffusion transformer as a `WorldModel`."""

from __future__ import annotations

import dataclasses
import json
import math
import os
import warnings
from collections.abc import Iterator
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
import torch
import xarray as xr

from worldsim.answer import generated_rollout
from worldsim.diffusion.checkpoint import ModelConfig, load_checkpoint, save_checkpoint
from worldsim.diffusion.conditioning import CLIP_START, encode_parameters
from worldsim.diffusion.known import context_cells
from worldsim.diffusion.model_card import model_card
from worldsim.diffusion.patches import from_cells, grid_of, to_cells, to_uint8, to_unit
from worldsim.diffusion.sampler import sample
from worldsim.diffusion.transformer import Condition, VideoTransformer
from worldsim.errors import InputError
from worldsim.query import Query
from worldsim.scenario import scenario_class
from worldsim.seeding import stream
from worldsim.world_model import Capabilities, check_capabilities

PACKAGED = "worldsim-small"


class VideoDiffusion:
    """Answers queries by denoising video.

    Members are denoised one at a time, with noise keyed by (seed, case, realization, window), so
    that a member is the same bit for bit alone or among others (on one machine with one number
    of threads; elsewhere to rounding).
    """

    def __init__(self, config: ModelConfig, network: VideoTransformer, sha256: str,
                 name: str = "video-diffusion") -> None:
        self.config, self.network, self.sha256, self.name = config, network, sha256, name
        self.capabilities = Capabilities(
            cameras=tuple(config.cameras), masks=True, any_size=True, any_fps=True, streaming=True,
            scenario=config.scenario,
        )

    @classmethod
    def from_pretrained(cls, source: str | os.PathLike[str]) -> VideoDiffusion:
        """Load the packaged checkpoint (by name) or a checkpoint directory.

        Raises
        ------
        InputError : unreadable, or trained on another version of the scenario.
        """
        name = str(source)
        directory = Path(source)
        if name == PACKAGED:
            directory = Path(str(resources.files("worldsim") / "checkpoints" / PACKAGED))
        config, network, sha256 = load_checkpoint(directory)
        current = scenario_class(config.scenario).version
        if config.version != current:
            raise InputError(
                f"{directory} was trained on {config.scenario} version {config.version}, this "
                f"worldsim has version {current}; train it again with `worldsim train`")
        return cls(config, network, sha256, name)

    def save_pretrained(self, directory: str | os.PathLike[str]) -> str:
        """Write ``config.json``, ``model.safetensors`` and ``README.md``; returns the sha256."""
        return save_checkpoint(Path(directory), self.config, self.network.state_dict(),
                               model_card(self.config))

    def with_sampler(self, **changes: Any) -> VideoDiffusion:
        """The same model with other sampler settings, e.g. ``with_sampler(steps=4)``."""
        sampler = dataclasses.replace(self.config.sampler, **changes)
        return VideoDiffusion(dataclasses.replace(self.config, sampler=sampler), self.network,
                              self.sha256, self.name)

    def rollout(self, query: Query) -> xr.DataTree:
        """Answer a query with a rollout of kind ``generated``.

        Raises
        ------
        InputError : another scenario or camera, or known pieces that do not fit.
        """
        told, extrapolates = self._check(query)
        shape = (query.cases, query.realizations, query.frames, *query.size, 3)
        videos = {camera: np.empty(shape, np.uint8) for camera in query.cameras}
        for case in range(query.cases):
            for realization in range(query.realizations):
                dream = _Dream(self, query, told, case, realization)
                at = 0
                for chunk in dream.chunks():
                    for camera, frames in chunk.items():
                        videos[camera][case, realization, at:at + len(frames)] = frames
                    at += len(frames)
        return self._tree(query, videos, extrapolates)

    def start(self, query: Query) -> VideoStream:
        """Begin to dream; every `step` returns the next second or so of every member."""
        return VideoStream(self, query)

    def _check(self, query: Query) -> tuple[dict[str, np.ndarray], list[str]]:
        """What a valid query tells, and the parts of it outside the training range."""
        check_capabilities(self, query)
        config = self.config
        declared = scenario_class(query.scenario).parameters()
        told = {name: np.asarray(values, float) for name, values in query.parameters.items()
                if declared[name].seen}
        specs = {spec.name: spec for spec in config.parameters}
        encode_parameters(config.parameters, told, query.cases)
        beyond = [name for name, values in told.items() if specs[name].extrapolates(values).any()]
        if tuple(query.size) != tuple(config.size):
            beyond.append("size")
        if query.fps != config.fps:
            beyond.append("fps")
        if beyond:
            warnings.warn(
                f"{self.name} was not trained for this {', '.join(beyond)}: it extrapolates",
                stacklevel=3)
        for piece in query.known:
            last = round(piece.start * query.fps) + piece.video.shape[1]
            if piece.start < 0 or last > query.frames:
                raise InputError(
                    f"a known piece of camera {piece.camera!r} covers {piece.start:g} to "
                    f"{last / query.fps:g} s; the query lasts {query.duration:g} s")
        return told, beyond

    def _tree(self, query: Query, videos: dict[str, np.ndarray],
              extrapolates: list[str]) -> xr.DataTree:
        return generated_rollout(
            query, self.name, videos, checkpoint=self.sha256,
            backend=f"torch {torch.__version__} cpu",
            sampler=json.dumps(dataclasses.asdict(self.config.sampler)),
            extrapolates=json.dumps(extrapolates),
        )


class VideoStream:
    """A query's answer piece by piece (see `worldsim.world_model.Stream`)."""

    def __init__(self, model: VideoDiffusion, query: Query) -> None:
        told, _ = model._check(query)
        self._query = query
        self._members = [
            [_Dream(model, query, told, case, realization).chunks()
             for realization in range(query.realizations)]
            for case in range(query.cases)
        ]

    def step(self, action: Any = None) -> dict[str, np.ndarray]:
        """The next chunk: {camera: (case, realization, time, row, column, 3)}.

        Raises
        ------
        InputError : an action was given; this model has none.
        StopIteration : the query's duration has been dreamed.
        """
        if action is not None:
            raise InputError("this world model takes no actions; call step() without one")
        chunks = [[next(member) for member in row] for row in self._members]
        return {camera: np.stack([np.stack([member[camera] for member in row]) for row in chunks])
                for camera in self._query.cameras}


class _Dream:
    """One member's video, window by window."""

    def __init__(self, model: VideoDiffusion, query: Query, told: dict[str, np.ndarray], case: int,
                 realization: int) -> None:
        self.model, self.query, self.realization = model, query, realization
        self.case = query.origin.cases[case] if query.origin is not None else case
        self.told = {name: values[case:case + 1] for name, values in told.items()}
        config = model.config
        patch = config.transformer.patches.patch
        rows, columns = query.size
        padded = rows + -rows % patch, columns + -columns % patch
        shape = (len(query.cameras), query.frames, *padded)
        self.video = np.zeros((*shape, 3), np.uint8)
        self.known = np.zeros(shape, bool)
        for piece in query.known:
            view = query.cameras.index(piece.camera)
            first = round(piece.start * query.fps)
            span = slice(first, first + piece.video.shape[1])
            mask = np.ones(piece.video.shape[1:4], bool) if piece.mask is None else piece.mask
            self.video[view, span, :rows, :columns][mask] = piece.video[case][mask]
            self.known[view, span, :rows, :columns] |= mask

    def chunks(self) -> Iterator[dict[str, np.ndarray]]:
        """The frames that each window adds, {camera: (time, row, column, 3)}."""
        config, query = self.model.config, self.query
        group = config.transformer.patches.frames
        overlap = max(group, round(config.sampler.overlap * query.fps) // group * group)
        # At a high rate a window may be shorter than the overlap; every window must add frames.
        overlap = min(overlap, config.frames // 2 // group * group)
        at, window = 0, 0
        while at < query.frames:
            first = max(0, at - overlap)
            last = min(first + config.frames, query.frames)
            self._dream_window(first, last, window, own=first < at)
            rows, columns = query.size
            yield {camera: self.video[v, at:last, :rows, :columns]
                   for v, camera in enumerate(query.cameras)}
            self.known[:, :last] = True
            at, window = last, window + 1

    def _dream_window(self, first: int, last: int, window: int, own: bool) -> None:
        """Dream frames first to last; `own` says that some known frames were dreamed."""
        config, query = self.model.config, self.query
        patches = config.transformer.patches
        frames = math.ceil((last - first) / patches.frames) * patches.frames
        spare = ((0, 0), (0, frames - (last - first)), (0, 0), (0, 0))
        video = torch.from_numpy(np.pad(self.video[:, first:last], (*spare, (0, 0))))[None]
        known = torch.from_numpy(np.pad(self.known[:, first:last], spare))[None]
        size = (video.shape[3], video.shape[4])
        grid = grid_of(frames, size, query.fps, len(query.cameras), patches)
        told = dict(self.told)
        start = first / query.fps
        for spec in config.parameters:
            if spec.name == CLIP_START and start <= spec.high:
                told[CLIP_START] = np.array([start])
        features, presence = encode_parameters(config.parameters, told, 1)
        names = list(config.cameras)
        condition = Condition(
            camera=torch.tensor([[names.index(camera) for camera in query.cameras]]),
            features=features, presence=presence,
            context_noise=torch.tensor([config.sampler.context_noise if own else 0.0]),
        )
        rng = stream(query.seed, self.case, self.realization, f"dream window {window}")
        noise = torch.from_numpy(rng.standard_normal(video.shape, np.float32))
        cells = sample(
            self.model.network, to_cells(noise, patches).unflatten(-1, (3, -1)),
            to_cells(to_unit(video), patches).unflatten(-1, (3, -1)),
            to_cells(known[..., None], patches), context_cells(video, known, grid, patches),
            condition, grid, config.sampler,
        )
        pixels = from_cells(cells.flatten(-2), grid, patches)[0, :, : last - first]
        dreamed = to_uint8(pixels).numpy()
        # Known pixels are kept from the input rather than converted there and back.
        self.video[:, first:last] = np.where(
            self.known[:, first:last, :, :, None], self.video[:, first:last], dreamed)
