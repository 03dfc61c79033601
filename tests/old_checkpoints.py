"""Checkpoints of one expert, rewritten as an earlier format had them."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from tiny_model import MODEL, WATER

from worldsim.diffusion.checkpoint import ModelConfig
from worldsim.diffusion.model import VideoDiffusion
from worldsim.diffusion.repertoire import Repertoire


def one_expert() -> VideoDiffusion:
    """A tiny model of water alone, which sees pixels with their noise."""
    torch.manual_seed(3)
    config = ModelConfig(dataclasses.replace(MODEL.transformer, raw=(0,)),
                         Repertoire((WATER,), MODEL.repertoire.cameras), MODEL.samplers[:1])
    return VideoDiffusion(config, config.network().eval(), "0" * 64)


def as_format(directory: Path, number: int) -> None:
    """Rewrite it as of format 8 or before."""
    config, weights = directory / "config.json", directory / "model.safetensors"
    fields = json.loads(config.read_text())
    (fields["sampler"],) = fields.pop("samplers")
    fields["transformer"]["shrink"] = fields["transformer"].pop("raw") != [0]
    for subject in fields["repertoire"]["subjects"]:
        del subject["expert"]
    config.write_text(json.dumps(fields | {"format": number}))
    before = {name.removeprefix("experts.0."): value for name, value in load_file(weights).items()}
    assert "embed.weight" in before
    save_file(before, weights)
