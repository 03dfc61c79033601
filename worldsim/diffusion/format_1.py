"""Checkpoints of the first format: networks of one scenario, without states."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from worldsim.diffusion.conditioning import ParameterSpec
from worldsim.diffusion.repertoire import Repertoire, Subject
from worldsim.diffusion.transformer import VideoTransformer

FORMAT = 1
ENCODER = "parameters_in."


def repertoire_of(fields: dict[str, Any]) -> Repertoire:
    """What such a network knows; takes the fields of its ``config.json`` that say so out of it."""
    parameters = tuple(ParameterSpec(**spec | {"choices": tuple(spec["choices"])})
                       for spec in fields.pop("parameters"))
    cameras = fields.pop("cameras")
    subject = Subject(
        name=fields.pop("scenario"), version=fields.pop("version"), parameters=parameters,
        cameras=cameras, fps=fields.pop("fps"), frames=fields.pop("frames"),
        size=tuple(fields.pop("size")))
    return Repertoire((subject,), tuple(cameras))


def is_of_format_1(weights: dict[str, Tensor]) -> bool:
    """Whether weights are of that format: their parameters have one matrix each."""
    return f"{ENCODER}values" not in weights


def carried_over(weights: dict[str, Tensor], network: VideoTransformer,
                 parameters: tuple[ParameterSpec, ...]) -> dict[str, Tensor]:
    """State of today's network that predicts the same pixels; its states are not trained."""
    torch.manual_seed(0)
    state = {name: value.clone() for name, value in network.state_dict().items()}
    rest = dict(weights)
    state[f"{ENCODER}values"].zero_()
    for place, spec in enumerate(parameters):
        matrix = rest.pop(f"{ENCODER}values.{place}.weight").float()
        state[f"{ENCODER}values"][place, :spec.features] = matrix.T
    for name in ("name", "present"):
        state[ENCODER + name][:len(parameters)] = rest.pop(ENCODER + name).float()
    state["scenario"].zero_()
    return state | {name: value.float() for name, value in rest.items()}
