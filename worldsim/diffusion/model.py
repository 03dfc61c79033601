"""The video diffusion transformer as a `WorldModel`."""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import json
import os
import warnings
from collections.abc import Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
import torch
import xarray as xr

from worldsim.answer import generated_rollout
from worldsim.diffusion.checkpoint import ModelConfig, load_checkpoint, save_checkpoint
from worldsim.diffusion.dreaming import Dream
from worldsim.diffusion.growth import expected_growth
from worldsim.diffusion.model_card import model_card
from worldsim.diffusion.streaming import STEPS, EndlessStream
from worldsim.diffusion.transformer import VideoTransformer
from worldsim.errors import InputError
from worldsim.query import Query
from worldsim.scenario import scenario_class
from worldsim.world_model import Capabilities, check_capabilities

PACKAGED = "worldsim-small"


def checkpoint_directory(source: str | os.PathLike[str]) -> Path:
    """Where a checkpoint lies: the packaged one by its name, any other by its path."""
    if str(source) == PACKAGED:
        return Path(str(resources.files("worldsim") / "checkpoints" / PACKAGED))
    return Path(source)


class VideoDiffusion:
    """Answers queries by denoising video and states.

    Members are denoised one at a time, with noise keyed by (seed, case, realization, window), so
    that a member is the same bit for bit alone or among others (on one machine with one number
    of threads; elsewhere to rounding).
    """

    def __init__(self, config: ModelConfig, network: VideoTransformer, sha256: str,
                 name: str = "video-diffusion") -> None:
        self.config, self.network, self.sha256, self.name = config, network, sha256, name
        subjects = config.repertoire.subjects
        entities = [entity for subject in subjects for entity in subject.entities]
        alone = subjects[0] if len(subjects) == 1 else None
        self.capabilities = Capabilities(
            cameras=tuple(alone.cameras) if alone else (), scenario=alone.name if alone else "",
            scenarios=tuple(subject.name for subject in subjects), masks=True, any_size=True,
            any_fps=True, streaming=True, states=bool(entities), drafts=True,
            actions=any(entity.name.startswith("body") for entity in entities),
        )

    @classmethod
    def from_pretrained(cls, source: str | os.PathLike[str]) -> VideoDiffusion:
        """Load the packaged checkpoint (by name) or a checkpoint directory.

        Raises
        ------
        InputError : unreadable, or trained on another version of a scenario.
        """
        name, directory = str(source), checkpoint_directory(source)
        config, network, sha256 = load_checkpoint(directory)
        for subject in config.repertoire.subjects:
            current = scenario_class(subject.name).version
            if subject.version != current:
                raise InputError(
                    f"{directory} was trained on {subject.name} version {subject.version}, this "
                    f"worldsim has version {current}; train it again with `worldsim train`")
        return cls(config, network, sha256, name)

    def save_pretrained(self, directory: str | os.PathLike[str],
                        compact: Sequence[int] = ()) -> str:
        """Write a checkpoint directory (`worldsim.diffusion.checkpoint`); returns the sha256 of the
        weights. compact : experts whose layers' matrices are kept in eight bits instead of
        sixteen."""
        return save_checkpoint(Path(directory), self.config, self.network.state_dict(),
                               model_card(self.config, compact), compact)

    @functools.cached_property
    def fingerprint(self) -> str:
        """16 digits that answers depend on: weights and configuration, sampler included, but not
        how errors are expected to grow, which only stands beside them."""
        config = dataclasses.replace(self.config, growth=()).to_json()
        return hashlib.sha256((self.sha256 + config).encode()).hexdigest()[:16]

    def with_sampler(self, **changes: Any) -> VideoDiffusion:
        """The same model with other sampler settings for all scenarios, e.g.
        ``with_sampler(steps=4)``."""
        samplers = tuple(dataclasses.replace(one, **changes) for one in self.config.samplers)
        return VideoDiffusion(dataclasses.replace(self.config, samplers=samplers), self.network,
                              self.sha256, self.name)

    def rollout(self, query: Query) -> xr.DataTree:
        """Answer a query with a rollout of kind ``generated``.

        Its group ``/said`` holds the states that were dreamed beside the video: ``state`` (case,
        realization, time, entity, number), see `worldsim.diffusion.observables`; the names of the
        entities are its attribute ``names``.

        Its attribute ``out_of_range`` lists, as JSON, how far each case is outside the range of the
        training (see `out_of_range`), and ``extrapolates`` names what is; ``expected_growth`` lists
        how many times larger than within the ranges its error is to be expected, with a 95%
        interval, as measured on other cases as far outside (null: not measured).

        Raises
        ------
        InputError : another scenario or camera, or known pieces that do not fit.
        """
        told, extrapolates = self._check(query)
        beyond = self.out_of_range(query.scenario, told, query.cases)
        entities = self.config.repertoire.subject(query.scenario).entities
        shape = (query.cases, query.realizations, query.frames, *query.size, 3)
        videos = {camera: np.empty(shape, np.uint8) for camera in query.cameras}
        said = np.empty((*shape[:3], len(entities), 9))
        for case in range(query.cases):
            for realization in range(query.realizations):
                dream = Dream(self, query, told, case, realization)
                at = 0
                for chunk in dream.chunks():
                    for camera, frames in chunk.items():
                        videos[camera][case, realization, at:at + len(frames)] = frames
                    at += len(frames)
                said[case, realization] = dream.said()
        return self._tree(query, videos, said, extrapolates, beyond)

    def start(self, query: Query, steps: int = STEPS) -> EndlessStream:
        """Begin to dream in block-causal order, group of frames by group of frames, without end.

        steps : evaluations per group.
        """
        told, _ = self._check(query)
        if query.draft is not None:
            raise InputError("a stream cannot begin from a draft; use rollout")
        return EndlessStream(self, query, told, steps)

    def out_of_range(self, scenario: str, told: Mapping[str, np.ndarray],
                     cases: int) -> np.ndarray:
        """How far cases lie outside the training's ranges, (case,): the root of the summed squares
        of the parameters' distances, each in widths of its own range; 0 within.

        How the error of the answers grows with it is measured, and put into a checkpoint, by
        ``python -m evaluation.learned --calibrate`` (`worldsim.diffusion.growth`).
        """
        specs = {spec.name: spec for spec in self.config.repertoire.subject(scenario).parameters}
        total = np.zeros(cases)
        for name, values in told.items():
            total += np.nan_to_num(specs[name].beyond(np.asarray(values, float))) ** 2
        return np.sqrt(total)

    def _check(self, query: Query) -> tuple[dict[str, np.ndarray], list[str]]:
        """What a valid query tells, and the parts of it outside the training range."""
        check_capabilities(self, query)
        subject = self.config.repertoire.subject(query.scenario)
        for camera in query.cameras:
            if camera not in subject.cameras:
                raise InputError(
                    f"{self.name} knows {query.scenario!r} from {', '.join(subject.cameras)}, not "
                    f"from {camera!r}")
        declared = scenario_class(query.scenario).parameters()
        told = {name: np.asarray(values, float) for name, values in query.parameters.items()
                if declared[name].seen}
        specs = {spec.name: spec for spec in subject.parameters}
        self.config.repertoire.tell(subject, told, query.cases)
        beyond = [name for name, values in told.items() if specs[name].extrapolates(values).any()]
        if tuple(query.size) != tuple(subject.size):
            beyond.append("size")
        if query.fps != subject.fps:
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
        names = [entity.name for entity in subject.entities]
        for states in query.states:
            if states.entity not in names:
                raise InputError(f"{self.name} knows no state of {states.entity!r} in "
                                 f"{query.scenario!r}; it knows {', '.join(names) or 'none'}")
            if not 0 <= round(states.start * query.fps) < query.frames:
                raise InputError(
                    f"known states of {states.entity!r} begin at {states.start:g} s; the query "
                    f"lasts from 0 to {query.duration:g} s")
        return told, beyond

    def _tree(self, query: Query, videos: dict[str, np.ndarray], said: np.ndarray,
              extrapolates: list[str], beyond: np.ndarray) -> xr.DataTree:
        subject = self.config.repertoire.subject(query.scenario)
        growth = [row for row in self.config.growth if row.expert == subject.expert]
        tree = generated_rollout(
            query, self.name, videos, checkpoint=self.sha256,
            backend=f"torch {torch.__version__} cpu",
            sampler=json.dumps(dataclasses.asdict(self.config.sampler_of(subject))),
            extrapolates=json.dumps(extrapolates),
            out_of_range=json.dumps([round(float(value), 6) for value in beyond]),
            expected_growth=json.dumps([
                row.round(3).tolist() if np.isfinite(row).all() else None
                for row in expected_growth(beyond, growth)]),
        )
        entities = subject.entities
        if entities:
            tree["said"] = xr.Dataset(
                {"state": (("case", "realization", "time", "entity", "number"), said)},
                coords={"time": ("time", np.arange(query.frames) / query.fps, {"units": "s"}),
                        "entity": np.arange(len(entities))},
                attrs={"names": json.dumps([entity.name for entity in entities])})
        return tree
