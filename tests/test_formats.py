"""Checkpoints of earlier formats, and what of them is read."""

from __future__ import annotations

import json

import pytest
import torch
from old_checkpoints import as_format, one_expert
from safetensors.torch import load_file, save_file
from tiny_model import tiny_model

from worldsim.diffusion.checkpoint import FINE, FORMAT, load_checkpoint, save_checkpoint
from worldsim.diffusion.warm_start import read_earlier
from worldsim.errors import InputError


def test_trainings_may_start_from_earlier_formats_but_their_laws_begin_anew(tmp_path):
    model = one_expert()
    save_checkpoint(tmp_path, model.config, model.network.state_dict(), "")
    as_format(tmp_path, 5)
    weights = tmp_path / "model.safetensors"
    (tmp_path / "laws.safetensors").unlink()  # they lay among the others
    before = load_file(weights)
    assert not any(name.startswith(FINE) for name in before)
    layers = [f"read_motion.{layer}.weight" for layer in ("up", "direct")]
    for name in layers:  # it was not told where laws lead
        before[name] = before[name][:, :-20].clone()
    save_file(before | {"laws.up.weight": torch.ones(3, 3)}, weights)
    with pytest.raises(InputError, match="only start a training from it"):
        load_checkpoint(tmp_path)
    start = read_earlier(tmp_path).weights
    assert not any(name.startswith(("laws.", "write_motion.")) for name in start)
    for name in layers:
        assert not start[name][:, -20:].any() and torch.equal(
            start[name][:, :-20], before[name].float())
    assert start.keys() == {name for name in model.network.state_dict()
                            if not name.startswith((*FINE, "write_motion."))}


def test_todays_weights_are_a_start_as_they_are(tmp_path):
    model = tiny_model()
    model.save_pretrained(tmp_path)
    start = read_earlier(tmp_path).weights
    _, network, _ = load_checkpoint(tmp_path)
    assert start.keys() == network.state_dict().keys()
    for name, value in network.state_dict().items():
        assert torch.equal(start[name], value), name


def test_others_are_refused_or_only_begin(tmp_path):
    model = tiny_model()
    model.save_pretrained(tmp_path)
    path = tmp_path / "config.json"
    fields = json.loads(path.read_text())
    assert fields["format"] == FORMAT
    path.write_text(json.dumps(fields | {"format": 99}))
    with pytest.raises(InputError, match="format 9 is read here"):
        load_checkpoint(tmp_path)


def test_laws_and_what_sees_turns_are_kept_to_eleven_bits(tmp_path):
    model = tiny_model()
    torch.nn.init.normal_(model.network.laws.of_parameter)
    model.save_pretrained(tmp_path)
    _, network, _ = load_checkpoint(tmp_path)
    for name, value in model.network.state_dict().items():
        kind = torch.float16 if name.startswith(FINE) else torch.bfloat16
        assert torch.equal(network.state_dict()[name], value.to(kind).float()), name
    torch.testing.assert_close(network.laws.of_parameter, model.network.laws.of_parameter,
                               rtol=5e-4, atol=1e-7)
