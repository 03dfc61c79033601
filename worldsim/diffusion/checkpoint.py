"""A checkpoint directory: ``config.json``, ``README.md`` and the weights, ``model.safetensors``,
``laws.safetensors`` and ``expert-1.safetensors`` and so on. No pickle."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from worldsim.atomic import written_whole
from worldsim.diffusion import format_8
from worldsim.diffusion.conditioning import feature_width
from worldsim.diffusion.growth import Growth
from worldsim.diffusion.layers import TransformerConfig
from worldsim.diffusion.observables import ENTITIES
from worldsim.diffusion.patches import PatchConfig
from worldsim.diffusion.repertoire import Repertoire, Subject
from worldsim.diffusion.sampler import SamplerConfig
from worldsim.diffusion.transformer import VideoTransformer
from worldsim.errors import InputError

FORMAT = 9

ONE_EXPERT = 8
"""The format before, of networks with one expert."""

STARTS_ONLY = (2, 3, 4, 5, 6, 7)
"""Formats whose networks said states in other ways: training may start from their weights."""

FINE = ("laws.", "looks.")
"""Beginnings of the names of weights that are kept to eleven bits (float16) instead of eight."""

EIGHT_BITS = ".blocks."
"""In the names of matrices that a compact checkpoint keeps to eight bits."""

SCALE = ".scale"
"""Ends the name of what multiplies the rows of such a matrix."""

CONFIG, WEIGHTS, LAWS = "config.json", "model.safetensors", "laws.safetensors"
"""The last holds all that is `FINE`; the second all else but experts after the first."""


def file_of_expert(number: int) -> str:
    """Where the weights of an expert after the first lie."""
    return f"expert-{number}.safetensors"


def of_expert(number: int) -> str:
    """Beginning of the names of an expert's weights."""
    return f"experts.{number}."


@dataclasses.dataclass(frozen=True)
class ModelConfig:
    """All that is needed to use a trained network.

    transformer : sizes.
    samplers : how to sample the scenarios of each expert.
    repertoire : the scenarios it knows: what it can be told of them, with the ranges it was trained
        on, their cameras, clips and entities.
    training : what the training was: clips and cases seen, seeds, compute, validation errors.
    growth : how errors grow outside the ranges, as measured afterwards.
    """

    transformer: TransformerConfig
    repertoire: Repertoire
    samplers: tuple[SamplerConfig, ...] = (SamplerConfig(),)
    training: dict[str, Any] = dataclasses.field(default_factory=dict)
    growth: tuple[Growth, ...] = ()

    def __post_init__(self) -> None:
        if len(self.samplers) != self.repertoire.experts:
            raise InputError(f"{len(self.samplers)} samplers for {self.repertoire.experts} experts:"
                             " give one each")

    def sampler_of(self, subject: Subject) -> SamplerConfig:
        """How to sample a scenario."""
        return self.samplers[subject.expert]

    def to_json(self) -> str:
        """The content of ``config.json``."""
        return json.dumps({"format": FORMAT} | dataclasses.asdict(self)) + "\n"

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
            if found not in (FORMAT, ONE_EXPERT, *STARTS_ONLY):
                raise InputError(f"{source} has format {found!r}; format {FORMAT} is read here")
            if found == 2:
                fields["transformer"]["shrink"] = False
            if found != FORMAT:
                fields = format_8.configured(fields)
            transformer = fields.pop("transformer")
            patches = PatchConfig(**transformer.pop("patches"))
            known = fields.pop("repertoire")
            repertoire = Repertoire(tuple(map(Subject.from_fields, known["subjects"])),
                                    tuple(known["cameras"]))
            return cls(
                transformer=TransformerConfig(patches=patches, **transformer),
                repertoire=repertoire,
                samplers=tuple(SamplerConfig(**one) for one in fields.pop("samplers")),
                growth=tuple(Growth(**row) for row in fields.pop("growth", ())), **fields,
            )
        except (json.JSONDecodeError, KeyError, TypeError, AttributeError) as error:
            raise InputError(f"{source} is not a model configuration: {error}") from error

    def network(self) -> VideoTransformer:
        """A network of this configuration with fresh weights."""
        known = self.repertoire
        made = VideoTransformer(
            self.transformer, len(known.parameters), feature_width(known.parameters),
            len(known.cameras), len(known.subjects), len(ENTITIES), known.experts)
        made.laws.log_half[:-1] = torch.tensor([spec.log_half for spec in known.parameters])
        made.laws.native[:] = torch.tensor([1 / subject.fps for subject in known.subjects])
        made.laws.foreseen[:] = torch.tensor([subject.foreseen for subject in known.subjects])
        for number, camera in enumerate(known.cameras):
            axes = known.picture_axes(camera)
            if axes is not None:
                made.locate.to_position.data[number, :, :3] = axes
        return made


def packed(weights: dict[str, Tensor]) -> dict[str, Tensor]:
    """The layers' matrices as whole numbers of eight bits, row by row in units of a 127th of the
    largest (Jacob et al. 2018, symmetric); all other weights as they are."""
    result = {}
    for name, tensor in weights.items():
        if EIGHT_BITS not in name or tensor.ndim != 2:
            result[name] = tensor
            continue
        scale = tensor.float().abs().amax(1, keepdim=True).clamp_min(1e-12) / 127
        result[name] = (tensor.float() / scale).round().to(torch.int8)
        result[name + SCALE] = scale
    return result


def unpacked(weights: dict[str, Tensor]) -> dict[str, Tensor]:
    """The inverse of `packed`, to rounding."""
    return {name: tensor.float() * weights[name + SCALE] if tensor.dtype == torch.int8 else tensor
            for name, tensor in weights.items() if not name.endswith(SCALE)}


def save_checkpoint(directory: Path, config: ModelConfig, weights: dict[str, Tensor],
                    card: str, compact: Sequence[int] = ()) -> str:
    """Write weights (as bfloat16, and the `FINE` ones as float16), configuration and model card;
    returns the weights' sha256. compact : experts whose matrices are kept in eight bits
    (`packed`)."""
    kept = {name: tensor.detach().to(
        torch.float16 if name.startswith(FINE) else torch.bfloat16).contiguous()
        for name, tensor in weights.items()}
    for number in compact:
        mine = {name: tensor.detach() for name, tensor in weights.items()
                if name.startswith(of_expert(number))}
        kept |= {name: tensor.contiguous() for name, tensor in packed(mine).items()
                 if tensor.dtype == torch.int8 or name.endswith(SCALE)}
    begins = {LAWS: FINE} | {file_of_expert(number): (of_expert(number),)
                             for number in range(1, config.repertoire.experts)}
    elsewhere = tuple(beginning for several in begins.values() for beginning in several)
    parts = {WEIGHTS: save({name: tensor for name, tensor in kept.items()
                            if not name.startswith(elsewhere)})}
    parts |= {file: save({name: tensor for name, tensor in kept.items()
                          if name.startswith(beginning)}) for file, beginning in begins.items()}
    files = parts | {CONFIG: config.to_json().encode(), "README.md": card.encode()}
    for name, content in files.items():
        with written_whole(directory / name) as path:
            path.write_bytes(content)
    return hashlib.sha256(b"".join(parts.values())).hexdigest()


def read_config(directory: Path) -> ModelConfig:
    """Read a checkpoint's configuration alone.

    Raises
    ------
    InputError : not a checkpoint, or of a format that is not read.
    """
    for name in (CONFIG, WEIGHTS):
        if not (directory / name).is_file():
            raise InputError(f"{directory} is not a checkpoint ({name} is missing)")
    return ModelConfig.from_json((directory / CONFIG).read_text(), directory / CONFIG)


def read_weights(directory: Path) -> tuple[ModelConfig, dict[str, Tensor], str]:
    """Read a checkpoint's configuration and weights, whatever they are of, and their sha256.

    Raises
    ------
    InputError : a file is missing or truncated.
    """
    config = read_config(directory)
    weights: dict[str, Tensor] = {}
    every = b""
    for name in (WEIGHTS, LAWS, *map(file_of_expert, range(1, config.repertoire.experts))):
        path = directory / name
        if not path.is_file():
            if name == LAWS:  # formats before the seventh have none
                continue
            raise InputError(f"{directory} is not a whole checkpoint ({name} is missing)")
        content = path.read_bytes()
        every += content
        try:
            weights |= load(content)
        except SafetensorError as error:
            raise InputError(
                f"{path} is truncated or damaged ({error}); fetch or train it again") from error
    return config, format_8.renamed(unpacked(weights)), hashlib.sha256(every).hexdigest()


def load_checkpoint(directory: Path) -> tuple[ModelConfig, VideoTransformer, str]:
    """Read a checkpoint: its configuration, the network (float32) and the weights' sha256.

    Raises
    ------
    InputError : a file is missing, truncated, or does not belong to the configuration.
    """
    config, weights, sha256 = read_weights(directory)
    network = config.network()
    expected = {name: tensor.shape for name, tensor in network.state_dict().items()}
    found = {name: tensor.shape for name, tensor in weights.items()}
    if expected != found:
        found_format = json.loads((directory / CONFIG).read_text())["format"]
        if found_format in STARTS_ONLY:
            raise InputError(f"{directory} has format {found_format}; this version can only start "
                             "a training from it (`worldsim train --init`)")
        if found_format in (FORMAT, ONE_EXPERT) and not (directory / LAWS).is_file():
            raise InputError(f"{directory} is not a whole checkpoint ({LAWS} is missing)")
        odd = sorted(name for name in expected.keys() | found.keys()
                     if expected.get(name) != found.get(name))
        raise InputError(f"{directory / WEIGHTS} does not fit its config.json (first: {odd[0]!r})")
    network.load_state_dict({name: tensor.float() for name, tensor in weights.items()})
    return config, network.eval(), sha256
