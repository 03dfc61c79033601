"""Experts: layers of their own for scenarios of one kind, in one network; and learning apart."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest
import torch
from old_checkpoints import as_format, one_expert
from synthetic_clips import ball_clips, synthetic_clips
from test_loss_equality import CONFIG
from tiny_model import BALL, MODEL, SIZE, WATER, tiny_model

from worldsim.diffusion.apart import grown, own_weights
from worldsim.diffusion.checkpoint import ModelConfig, load_checkpoint, read_config
from worldsim.diffusion.model import PACKAGED, VideoDiffusion, checkpoint_directory
from worldsim.diffusion.repertoire import Repertoire
from worldsim.diffusion.trainer import Trainer
from worldsim.diffusion.training import train
from worldsim.diffusion.training_clips import families
from worldsim.diffusion.warm_start import carried_over, read_earlier
from worldsim.errors import InputError
from worldsim.query import Known, Query

APART = dataclasses.replace(CONFIG, apart=True, steps=8, decay=0.0)


def asked(scenario: str) -> Query:
    subject = MODEL.repertoire.subject(scenario)
    cameras = tuple(subject.cameras)
    seen = np.random.default_rng(0).integers(0, 256, (1, 5, *SIZE, 3), np.uint8)
    return Query(scenario, {}, known=(Known(cameras[0], seen),), cameras=cameras, size=SIZE,
                 fps=subject.fps, duration=10 / subject.fps)


def answers(model: VideoDiffusion, scenario: str) -> list[np.ndarray]:
    """A whole clip, and groups of a stream."""
    query = asked(scenario)
    stream = model.start(query)
    tree = model.rollout(query)
    return [*(tree[f"video/{camera}"]["rgb"].values for camera in query.cameras),
            tree["said"]["state"].values, *(stream.step()[query.cameras[0]] for _ in range(3))]


def equal(first: list[np.ndarray], second: list[np.ndarray]) -> bool:
    return all(np.array_equal(a, b, equal_nan=True) for a, b in zip(first, second, strict=True))


@pytest.mark.parametrize("number, mine, other", [(0, "tsunami", "free_fall"),
                                                 (1, "free_fall", "tsunami")])
def test_sequences_go_through_the_expert_of_their_scenario(number, mine, other):
    model, changed = tiny_model(), tiny_model()
    with torch.no_grad():
        for weights in changed.network.expert(number).parameters():
            weights.mul_(1.5)
    assert not equal(answers(model, mine), answers(changed, mine))
    assert equal(answers(model, other), answers(changed, other))


def test_every_expert_has_its_own_sampler():
    one, other = MODEL.samplers[0], dataclasses.replace(MODEL.samplers[1], steps=5)
    network = tiny_model().network
    model = VideoDiffusion(dataclasses.replace(MODEL, samplers=(one, other)), network, "")
    for name, steps in (("tsunami", one.steps), ("free_fall", 5)):
        tree = model.rollout(asked(name))
        assert json.loads(tree.attrs["sampler"])["steps"] == steps
    assert equal(answers(model, "tsunami"), answers(tiny_model(), "tsunami"))
    assert not equal(answers(model, "free_fall"), answers(tiny_model(), "free_fall"))
    with pytest.raises(InputError, match="1 samplers for 2 experts"):
        dataclasses.replace(MODEL, samplers=(one,))


def test_a_checkpoint_of_the_eighth_format_is_read_as_one_of_one_expert(tmp_path):
    model = one_expert()
    model.save_pretrained(tmp_path)
    as_format(tmp_path, 8)
    found, network, _ = load_checkpoint(tmp_path)
    assert found == model.config and found.transformer.raw == (0,)
    for name, value in network.state_dict().items():
        torch.testing.assert_close(value, model.network.state_dict()[name], rtol=2**-8, atol=1e-6)


def test_noise_is_left_to_the_experts_that_want_it():
    model, other = tiny_model(), tiny_model()
    other.network.expert(1).raw = True
    assert equal(answers(model, "tsunami"), answers(other, "tsunami"))
    assert not equal(answers(model, "free_fall"), answers(other, "free_fall"))
    config = dataclasses.replace(MODEL, transformer=dataclasses.replace(
        MODEL.transformer, raw=(1,)))
    assert [config.network().expert(number).raw for number in range(2)] == [False, True]
    assert ModelConfig.from_json(config.to_json(), "again") == config


def test_a_missing_expert_is_named(tmp_path):
    tiny_model().save_pretrained(tmp_path)
    (tmp_path / "expert-1.safetensors").unlink()
    with pytest.raises(InputError, match=r"expert-1\.safetensors is missing"):
        load_checkpoint(tmp_path)


def test_what_is_learned_apart_leaves_all_other_answers_bit_for_bit(tmp_path):
    """Of bodies beside water that a network knows, with decay and all kinds of batches."""
    water, balls = synthetic_clips(4, 14, SIZE), ball_clips(cases=4, frames=14, size=SIZE)
    train(CONFIG, [water], tmp_path / "before", log=lambda _: None)
    train(APART, [balls], tmp_path / "after", init=tmp_path / "before", log=lambda _: None)
    before, after = (VideoDiffusion(*load_checkpoint(tmp_path / name))
                     for name in ("before", "after"))
    assert [(one.name, one.expert) for one in after.config.repertoire.subjects] == [
        ("tsunami", 0), ("free_fall", 1)]
    query = dataclasses.replace(asked("tsunami"), cameras=("overhead",))
    first, second = (model.rollout(query) for model in (before, after))
    assert np.array_equal(first["video/overhead"]["rgb"], second["video/overhead"]["rgb"])
    if "said" in first:
        np.testing.assert_array_equal(first["said"]["state"], second["said"]["state"])
    start = VideoDiffusion(*_grown(tmp_path / "before", after.config), "")
    learned = [name for name, value in after.network.state_dict().items()
               if not torch.equal(value, _stored(start.network.state_dict()[name], name))]
    assert any(name.startswith("experts.1.blocks.") for name in learned)
    assert any(name.startswith("laws.") for name in learned) and "scenario" in learned
    own = own_weights(after.network, after.config.repertoire, ["free_fall"])
    assert set(learned) <= own.keys() and not any(n.startswith("experts.0.") for n in learned)
    for name in learned:
        rows = own[name]
        if rows is not None:
            moved = (after.network.state_dict()[name]
                     - _stored(start.network.state_dict()[name], name)).abs()
            assert not (moved * (1 - rows)).any(), name
    assert after.config.training["earlier"][-1]["sha256"] == before.sha256


def _grown(directory, config: ModelConfig):
    """The network that such a training begins with."""
    torch.manual_seed(APART.seed)
    network = config.network()
    state, _ = carried_over(read_earlier(directory), config, network.state_dict())
    network.load_state_dict(state)
    return config, network.eval()


def _stored(value: torch.Tensor, name: str) -> torch.Tensor:
    fine = name.startswith(("laws.", "looks."))
    return value.to(torch.float16 if fine else torch.bfloat16).float()


def test_a_new_expert_begins_as_the_first_one(tmp_path):
    water = synthetic_clips(4, 14, SIZE)
    train(CONFIG, [water], tmp_path, log=lambda _: None)
    beside, balls = read_config(tmp_path), ball_clips(cases=4, frames=14, size=SIZE)
    trainer = Trainer(APART, [balls], lambda _: None, beside)
    trainer.warm_start(tmp_path)
    first, second = (dict(trainer.network.expert(number).named_parameters())
                     for number in range(2))
    for name, value in first.items():
        if not name.startswith("position."):  # of other cameras
            assert torch.equal(value, second[name]), name
    other, = families(trainer.data, APART.batch)
    assert trainer.data[0].subject.expert == 1 and other.members == (0,)


def test_a_training_apart_goes_on_exactly_where_it_stopped(tmp_path):
    balls = ball_clips(cases=4, frames=14, size=SIZE)
    train(CONFIG, [synthetic_clips(4, 14, SIZE)], tmp_path / "init", log=lambda _: None)
    train(APART, [balls], tmp_path / "whole", init=tmp_path / "init", log=lambda _: None)
    train(dataclasses.replace(APART, steps=3), [balls], tmp_path / "halves",
          init=tmp_path / "init", log=lambda _: None)
    train(APART, [balls], tmp_path / "halves", resume=True, log=lambda _: None)
    whole, halves = (load_checkpoint(tmp_path / name)[1].state_dict()
                     for name in ("whole", "halves"))
    for name, value in whole.items():
        assert torch.equal(halves[name], value), name


def test_scenarios_that_share_layers_with_others_cannot_learn_apart():
    both = Repertoire((WATER, dataclasses.replace(BALL, expert=0)), MODEL.repertoire.cameras)
    with pytest.raises(InputError, match="free_fall cannot learn apart from tsunami"):
        grown(both, [BALL], ("side",))
    again = grown(MODEL.repertoire, [dataclasses.replace(BALL, fps=10.0)], ("above",))
    assert [(one.name, one.expert, one.fps) for one in again.subjects] == [
        ("tsunami", 0, 5.0), ("free_fall", 1, 10.0)]
    assert again.cameras == (*MODEL.repertoire.cameras, "above")


def test_learning_apart_needs_a_network_of_the_same_size_to_start_from():
    balls = [ball_clips(cases=4, frames=14, size=SIZE)]
    with pytest.raises(InputError, match="give a checkpoint to start from"):
        Trainer(APART, balls, lambda _: None)
    larger = dataclasses.replace(APART, transformer=dataclasses.replace(
        APART.transformer, layers=3))
    with pytest.raises(InputError, match="as large as the one to start from"):
        Trainer(larger, balls, lambda _: None, MODEL)


def test_the_packaged_network_knows_all_scenarios_by_two_experts():
    config, network, _ = load_checkpoint(checkpoint_directory(PACKAGED))
    experts = {subject.name: subject.expert for subject in config.repertoire.subjects}
    assert experts.pop("tsunami") == 1 and set(experts.values()) == {0} and len(experts) == 17
    assert len(network.experts) == 2
    shared = [name for name in dict(network.named_parameters()) if not name.startswith("experts.")]
    assert {"registers", "read_motion.up.weight", "write_motion.depart.weight"} <= set(shared)
