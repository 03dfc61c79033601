"""A checkpoint directory: ``config.json`` + ``model.safetensors`` + ``README.md``. No pickle."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from worldsim.diffusion import format_1, format_5
from worldsim.diffusion.conditioning import feature_width
from worldsim.diffusion.growth import Growth
from worldsim.diffusion.layers import TransformerConfig
from worldsim.diffusion.observables import ENTITIES
from worldsim.diffusion.patches import PatchConfig
from worldsim.diffusion.repertoire import Repertoire, Subject
from worldsim.diffusion.sampler import SamplerConfig
from worldsim.diffusion.transformer import VideoTransformer
from worldsim.errors import InputError

FORMAT = 6

STARTS_ONLY = (2, 3, 4)
"""Formats whose networks said states in other ways: training may start from their weights."""

READ = (format_1.FORMAT, format_5.FORMAT, FORMAT)
"""Formats that are read."""

EXACT = "laws."
"""Beginning of the names of weights that are kept in single precision."""

CONFIG, WEIGHTS = "config.json", "model.safetensors"


@dataclasses.dataclass(frozen=True)
class ModelConfig:
    """All that is needed to use a trained network.

    transformer, sampler : sizes, and how to sample.
    repertoire : the scenarios it knows: what it can be told of them, with the ranges it was trained
        on, their cameras, clips and entities.
    training : what the training was: clips and cases seen, seeds, compute, validation errors.
    growth : how errors grow outside the ranges, as measured afterwards.
    """

    transformer: TransformerConfig
    repertoire: Repertoire
    sampler: SamplerConfig = dataclasses.field(default_factory=SamplerConfig)
    training: dict[str, Any] = dataclasses.field(default_factory=dict)
    growth: tuple[Growth, ...] = ()

    def to_json(self) -> str:
        """The content of ``config.json``."""
        return json.dumps({"format": FORMAT} | dataclasses.asdict(self), indent=1)

    @classmethod
    def from_json(cls, text: str, source: object) -> ModelConfig:
        """The inverse of `to_json`.

        Raises
        ------
        InputError : not JSON, another format, or fields that this version does not know.
        """
        try:
            fields = json.loads(text)
            found = fields.pop("format", None)
            if found not in (*READ, *STARTS_ONLY):
                raise InputError(f"{source} has format {found!r}; formats "
                                 f"{', '.join(map(str, READ))} are read here")
            transformer = fields.pop("transformer")
            patches = PatchConfig(**transformer.pop("patches"))
            if found in (2, format_1.FORMAT):
                transformer["shrink"] = False
            if found != format_1.FORMAT:
                known = fields.pop("repertoire")
                repertoire = Repertoire(tuple(map(Subject.from_fields, known["subjects"])),
                                        tuple(known["cameras"]))
            else:
                repertoire = format_1.repertoire_of(fields)
            return cls(
                transformer=TransformerConfig(patches=patches, **transformer),
                repertoire=repertoire, sampler=SamplerConfig(**fields.pop("sampler")),
                growth=tuple(Growth(**row) for row in fields.pop("growth", ())), **fields,
            )
        except (json.JSONDecodeError, KeyError, TypeError, AttributeError) as error:
            raise InputError(f"{source} is not a model configuration: {error}") from error

    def network(self) -> VideoTransformer:
        """A network of this configuration with fresh weights."""
        known = self.repertoire
        made = VideoTransformer(
            self.transformer, len(known.parameters), feature_width(known.parameters),
            len(known.cameras), len(known.subjects), len(ENTITIES))
        made.laws.log_half[:-1] = torch.tensor([spec.log_half for spec in known.parameters])
        for number, camera in enumerate(known.cameras):
            axes = known.picture_axes(camera)
            if axes is not None:
                made.locate.to_position.data[number, :, :3] = axes
        return made


def write_atomically(target: Path, content: bytes) -> None:
    """Write a file such that it is there whole or not at all."""
    partial = target.with_name(f".{target.name}.{os.getpid()}")
    partial.write_bytes(content)
    os.replace(partial, target)


def save_checkpoint(directory: Path, config: ModelConfig, weights: dict[str, Tensor],
                    card: str) -> str:
    """Write weights (as bfloat16, but `EXACT` ones), configuration and model card; returns the
    weights' sha256."""
    directory.mkdir(parents=True, exist_ok=True)
    content = save({name: tensor.detach().to(
        torch.float32 if name.startswith(EXACT) else torch.bfloat16).contiguous()
        for name, tensor in weights.items()})
    write_atomically(directory / WEIGHTS, content)
    write_atomically(directory / CONFIG, config.to_json().encode())
    write_atomically(directory / "README.md", card.encode())
    return hashlib.sha256(content).hexdigest()


def read_weights(directory: Path) -> tuple[ModelConfig, dict[str, Tensor], str]:
    """Read a checkpoint's configuration and weights, whatever they are of, and their sha256.

    Raises
    ------
    InputError : a file is missing or truncated.
    """
    for name in (CONFIG, WEIGHTS):
        if not (directory / name).is_file():
            raise InputError(f"{directory} is not a checkpoint ({name} is missing)")
    config = ModelConfig.from_json((directory / CONFIG).read_text(), directory / CONFIG)
    content = (directory / WEIGHTS).read_bytes()
    try:
        weights = load(content)
    except SafetensorError as error:
        raise InputError(
            f"{directory / WEIGHTS} is truncated or damaged ({error}); fetch or train it again"
        ) from error
    return config, weights, hashlib.sha256(content).hexdigest()


def load_checkpoint(directory: Path) -> tuple[ModelConfig, VideoTransformer, str]:
    """Read a checkpoint: its configuration, the network (float32) and the weights' sha256.

    Raises
    ------
    InputError : a file is missing, truncated, or does not belong to the configuration.
    """
    config, weights, sha256 = read_weights(directory)
    network = config.network()
    if format_1.is_of_format_1(weights):
        weights = format_1.carried_over(weights, network, config.repertoire.parameters)
    if format_5.is_of_format_5(weights):
        weights = format_5.carried_over(weights, network)
    expected = {name: tensor.shape for name, tensor in network.state_dict().items()}
    found = {name: tensor.shape for name, tensor in weights.items()}
    if expected != found:
        found_format = json.loads((directory / CONFIG).read_text())["format"]
        if found_format in STARTS_ONLY:
            raise InputError(f"{directory} has format {found_format}; this version can only start "
                             "a training from it (`worldsim train --init`)")
        odd = sorted(name for name in expected.keys() | found.keys()
                     if expected.get(name) != found.get(name))
        raise InputError(f"{directory / WEIGHTS} does not fit its config.json (first: {odd[0]!r})")
    network.load_state_dict({name: tensor.float() for name, tensor in weights.items()})
    return config, network.eval(), sha256
