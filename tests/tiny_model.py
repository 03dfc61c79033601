"""A tiny world model of two scenarios, one of water and one of bodies, each with an expert."""

from __future__ import annotations

import dataclasses

import torch
from synthetic_clips import cameras_of
from tiny_network import ball_subject

from worldsim.diffusion.checkpoint import ModelConfig
from worldsim.diffusion.conditioning import CLIP_START, ParameterSpec
from worldsim.diffusion.layers import TransformerConfig
from worldsim.diffusion.model import VideoDiffusion
from worldsim.diffusion.observables import Entity
from worldsim.diffusion.patches import PatchConfig
from worldsim.diffusion.repertoire import Repertoire, Subject
from worldsim.diffusion.sampler import SamplerConfig
from worldsim.scenario import scenario_class

SIZE = (16, 24)
WATER = Subject(
    "tsunami", scenario_class("tsunami").version,
    (ParameterSpec("wave_height", "m", 2.0, 8.0),
     ParameterSpec("building", choices=("timber", "masonry", "steel", "concrete")),
     ParameterSpec(CLIP_START, "s", 0.0, 2.0)),
    cameras_of("tsunami"), fps=5.0, frames=20, size=SIZE,
    entities=(Entity("gauges", (2.0,) * 9, (0.5,) * 9),), slots=3)
BALL = dataclasses.replace(ball_subject(frames=20), expert=1)
MODEL = ModelConfig(
    transformer=TransformerConfig(patches=PatchConfig(frames=5, patch=8, cell=4), width=32,
                                  layers=1, heads=2, hidden=32, detail=8),
    repertoire=Repertoire((WATER, BALL), ("overhead", "street", "side", "corner")),
    samplers=(SamplerConfig(steps=2, overlap=2.0),) * 2,
)


def tiny_model(seed: int = 0) -> VideoDiffusion:
    """A model of which no part is idle, as if it had been trained."""
    torch.manual_seed(seed)
    network = MODEL.network()
    experts = [network.expert(number) for number in range(2)]
    for part in (*(part for one in experts for part in (
            one.modulation, one.read_carried, one.write_gate)), network.duration[-1],
            network.write_motion.depart, network.laws.act):
        torch.nn.init.normal_(getattr(part, "weight", part), std=0.05)
    network.write_motion.depart.bias.data[-1] = 5.0  # whatever can be there is said to be there
    return VideoDiffusion(MODEL, network.eval(), "0" * 64)
