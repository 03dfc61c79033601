"""Checkpoints of earlier formats say in today's network what they said."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from tiny_model import tiny_model

from worldsim.diffusion import format_5
from worldsim.diffusion.checkpoint import FORMAT, load_checkpoint, save_checkpoint
from worldsim.diffusion.motion import EXTRA, NUMBERS, STEERED, STEERS
from worldsim.diffusion.transformer import VideoTransformer
from worldsim.diffusion.warm_start import read_earlier
from worldsim.errors import InputError


def of_format_5(network: VideoTransformer) -> dict[str, torch.Tensor]:
    """Weights as the fifth format had them, of a network that uses nothing newer."""
    laws = network.laws
    first = (STEERS - 1) * NUMBERS
    for table in (laws.down.weight.data.T, laws.of_scenario.data):
        table[..., first:first + NUMBERS] = 0
    laws.values.data[:, 1] = 0
    laws.of_parameter.data.zero_()
    reader = network.read_motion
    seen = reader.up.weight.shape[1]
    newer = 2 * (network.numbers - EXTRA) - NUMBERS + EXTRA + 36
    for layer in (reader.up, reader.direct):
        layer.weight.data[:, seen - newer:] = 0
    state = {name: value.clone() for name, value in network.state_dict().items()}
    state["laws.present"] = state["laws.values"][:, 0].clone()
    state["laws.values"] = state["laws.values"][:, 2:].clone()
    del state["laws.of_parameter"]
    kept = [*range(first), *range(first + NUMBERS, STEERED)]
    state["laws.down.weight"] = state["laws.down.weight"][kept].clone()
    state["laws.of_scenario"] = state["laws.of_scenario"][..., kept].clone()
    for layer in ("up", "direct"):
        name = f"read_motion.{layer}.weight"
        state[name] = state[name][:, :seen - newer].clone()
    return state


def test_the_fifth_format_is_carried_over_exactly(tmp_path):
    model = tiny_model()
    torch.nn.init.normal_(model.network.laws.of_scenario, std=0.1)
    before = of_format_5(model.network)
    assert before["laws.of_scenario"].shape[-1] == format_5.STEERED_BEFORE
    assert format_5.is_of_format_5(before) and not format_5.is_of_format_5(
        model.network.state_dict())
    state = format_5.carried_over(before, model.network)
    for name, value in model.network.state_dict().items():
        torch.testing.assert_close(state[name], value, msg=name)


def test_it_is_read_and_trainings_may_start_from_it(tmp_path):
    model = tiny_model()
    save_checkpoint(tmp_path, model.config, of_format_5(model.network), "")
    config = tmp_path / "config.json"
    config.write_text(json.dumps(json.loads(config.read_text()) | {"format": 5}))
    _, network, _ = load_checkpoint(tmp_path)
    start = read_earlier(tmp_path).weights
    assert start.keys() == network.state_dict().keys()
    for name, value in model.network.state_dict().items():
        np.testing.assert_allclose(network.state_dict()[name], value, rtol=1e-2, atol=1e-2)
        torch.testing.assert_close(start[name], network.state_dict()[name])


def test_others_are_refused_or_only_begin(tmp_path):
    model = tiny_model()
    model.save_pretrained(tmp_path)
    path = tmp_path / "config.json"
    fields = json.loads(path.read_text())
    assert fields["format"] == FORMAT
    path.write_text(json.dumps(fields | {"format": 99}))
    with pytest.raises(InputError, match="formats 1, 5, 6 are read here"):
        load_checkpoint(tmp_path)


def test_laws_are_kept_in_single_precision(tmp_path):
    model = tiny_model()
    torch.nn.init.normal_(model.network.laws.of_parameter)
    model.save_pretrained(tmp_path)
    _, network, _ = load_checkpoint(tmp_path)
    assert torch.equal(network.laws.of_parameter, model.network.laws.of_parameter)
    assert not torch.equal(network.embed.weight, model.network.embed.weight), "bfloat16"
