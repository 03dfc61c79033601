"""Batches of scenes for the laws against clips drawn one by one."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
from synthetic_clips import ball_clips
from test_motion import CONFIG, quiet

from worldsim.diffusion import law_batches
from worldsim.diffusion.batches import Kind
from worldsim.diffusion.conditioning import CLIP_START
from worldsim.diffusion.law_batches import draw_bodies, round_bodies
from worldsim.diffusion.motion import EXTRA
from worldsim.diffusion.observables import NUMBERS
from worldsim.diffusion.pushes import write_push
from worldsim.diffusion.staging import state_numbers
from worldsim.diffusion.step_loss import step_loss
from worldsim.diffusion.trainer import Trainer
from worldsim.errors import InputError

GROUP = CONFIG.transformer.patches.frames


@pytest.fixture(scope="module")
def trainer() -> Trainer:
    clips = ball_clips(cases=6)
    pushes = np.full((6, 1, 5), np.nan, np.float32)
    pushes[::2, 0] = [0.13, 0, 0.4, 0.0, -0.2]
    return Trainer(CONFIG, [dataclasses.replace(clips, pushes=pushes)], quiet)


def drawn(trainer: Trainer, count: int, drop: float = 0.0, rolled: float = 1.0, seed: int = 3):
    return draw_bodies(trainer.data, trainer.training_cases, trainer.model.repertoire, count,
                       np.random.default_rng(seed), dataclasses.replace(
                           trainer.config.objective, drop=drop), GROUP, rolled=rolled)


def test_every_scene_is_one_of_a_clips_from_some_instant_on_with_its_own_push(
        trainer, monkeypatch):
    monkeypatch.setattr(law_batches, "HIDDEN", 0.0)
    bodies, (one,) = drawn(trainer, 600), trainer.data
    fps, subject = one.clips.fps, one.subject
    wanted = {}
    for case in trainer.training_cases[0]:
        for start in range(one.clips.frames - 2 * GROUP + 1):
            span = slice(start, start + 2 * GROUP)
            states = one.states[case, span]
            push = np.zeros((subject.slots, 2, 5), np.float32)
            write_push(push, one.pushes[case], start / fps, GROUP / fps, subject.length)
            order = subject.counted(states[0, :, :3])
            numbers, valid = state_numbers(states[:, order], one.half[case, order], GROUP)
            wanted[numbers.numpy().tobytes()] = (valid, push[order])
    count = len(bodies.seconds)
    assert count == 200
    assert bodies.states.numbers.shape == (count, subject.slots, 2, GROUP * NUMBERS + EXTRA)
    for row in range(count):
        valid, push = wanted[bodies.states.numbers[row].numpy().tobytes()]
        assert torch.equal(valid, bodies.states.valid[row])
        np.testing.assert_allclose(bodies.states.push[row], push, rtol=1e-5, atol=1e-6)
    pushed = bodies.states.push[..., 0].sum((1, 2))
    assert 0 < float(pushed.mean()) < 1 and set(pushed.tolist()) == {0.0, 1.0}
    absent = bodies.states.numbers[..., -1] < 0
    assert absent.any() and not bodies.states.valid[absent][..., :-EXTRA].any()


def test_of_round_bodies_turns_are_hidden_now_and_then(trainer):
    half = np.array([[0.3, 0.3, 0.31], [0.3, 0.2, 0.3], [np.nan, 0.3, 0.3]])
    assert round_bodies(half).tolist() == [True, False, False]
    states = drawn(trainer, 900).states  # of balls alone
    there = states.numbers[:, :, 0, -1] > 0
    numbers, valid = (part[..., :-EXTRA].unflatten(-1, (GROUP, NUMBERS))[there]
                      for part in (states.numbers, states.valid))
    hidden = valid[..., 3:].amax((1, 2, 3)) == 0
    assert float(hidden.float().mean()) == pytest.approx(law_batches.HIDDEN, abs=0.08)
    assert not numbers[hidden][..., 3:].any() and numbers[~hidden][..., 3:].any()
    assert valid[..., :3].all() and valid[~hidden].all()


def test_what_is_told_may_be_left_out(trainer):
    whole, less = drawn(trainer, 900), drawn(trainer, 900, drop=0.5)
    given = set(trainer.data[0].parameters) | {CLIP_START}
    wanted = sum(spec.name in given for spec in trainer.data[0].subject.parameters)
    assert wanted and (whole.told.presence.sum(1) == wanted).all()
    assert float(less.told.presence.mean()) == pytest.approx(
        0.5 * float(whole.told.presence.mean()), abs=0.05)


def test_one_group_is_known_or_all_are_forwards_and_backwards(trainer):
    seen = set()
    for seed in range(60):
        bodies = drawn(trainer, 30, rolled=0.5, seed=seed)
        known = bodies.states.known
        assert (known == known[:1, :1]).all(), "of all bodies alike"
        seen.add((tuple(known[0, 0].tolist()), bodies.backwards))
    assert seen == {((1.0, 0.0), False), ((0.0, 1.0), True), ((1.0, 1.0), False),
                    ((1.0, 1.0), True)}


def test_bodies_that_go_straight_are_foreseen_from_frame_to_frame_without_any_force(trainer):
    """Fresh laws have no force: what is left of the loss is how ways change, and half sizes."""
    for step in range(200):
        batch = trainer.batch(step)
        if batch.kind is Kind.LAWS and bool(batch.states.known.all()):
            break
    numbers = batch.states.numbers.clone()
    straight = 0.2 + 0.01 * torch.arange(2 * GROUP)[:, None].expand(-1, NUMBERS)
    numbers[..., :-EXTRA] = straight.reshape(2, -1)

    def loss(changed: torch.Tensor, backwards: bool) -> float:
        states = dataclasses.replace(batch.states, numbers=changed,
                                     push=torch.zeros_like(batch.states.push))
        return float(step_loss(trainer.network, dataclasses.replace(
            batch, states=states, backwards=backwards))[0].detach())

    for backwards in (False, True):
        calm = loss(numbers, backwards)
        bent = numbers.clone()
        bent[..., 1, :NUMBERS] += 0.01  # in a frame of the middle
        assert loss(bent, backwards) > calm + 1e-3


def test_laws_and_what_sees_turns_learn_from_their_batches_and_from_nothing_else(trainer):
    alone = {Kind.LAWS: {"laws"}, Kind.LOOKS: {"looks"}}
    met = set()
    for step in range(60):
        batch = trainer.batch(step)
        met.add(batch.kind)
        trainer.network.zero_grad()
        step_loss(trainer.network, batch)[0].backward()
        taught = {name.split(".")[0] for name, p in trainer.network.named_parameters()
                  if p.grad is not None and bool(p.grad.any())}
        assert taught == alone[batch.kind] if batch.kind in alone else not taught & {
            "laws", "looks"}
    assert met == set(Kind)
    trainer.network.zero_grad()


def test_only_the_weights_that_are_named_learn(trainer):
    laws = dataclasses.replace(CONFIG.batch, laws=1.0, paths=0.0, readings=0.0, looks=0.0)
    config = dataclasses.replace(CONFIG, batch=laws, only=("laws.see", "laws.act"), steps=6)
    some = Trainer(config, [trainer.data[0].clips], quiet)
    before = {name: value.clone() for name, value in some.network.state_dict().items()}
    for _ in range(6):
        some.step()
    changed = {name for name, value in some.network.state_dict().items()
               if not torch.equal(value, before[name])}
    assert changed == {"laws.see", "laws.act"}
    none = Trainer(dataclasses.replace(config, only=("experts",)), [trainer.data[0].clips], quiet)
    with pytest.raises(InputError, match=r"batches of laws teach nothing of only=.*experts"):
        none.step()
    with pytest.raises(InputError, match="only='law_': no weights"):
        Trainer(dataclasses.replace(config, only=("law_",)), [trainer.data[0].clips], quiet)
