"""Batches of single bodies against clips drawn one by one."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
from synthetic_clips import ball_clips
from test_motion import CONFIG, quiet

from worldsim.diffusion.batches import state_numbers
from worldsim.diffusion.conditioning import CLIP_START
from worldsim.diffusion.law_batches import draw_bodies, of_one_group
from worldsim.diffusion.motion import EXTRA, Motion, motion_of
from worldsim.diffusion.observables import NUMBERS
from worldsim.diffusion.pushes import write_push
from worldsim.diffusion.training import Trainer

GROUP = CONFIG.transformer.patches.frames


@pytest.fixture(scope="module")
def trainer() -> Trainer:
    clips = ball_clips(cases=6)
    pushes = np.full((6, 1, 5), np.nan, np.float32)
    pushes[::2, 0] = [0.13, 0, 0.4, 0.0, -0.2]
    return Trainer(CONFIG, [dataclasses.replace(clips, pushes=pushes)], quiet)


def drawn(trainer: Trainer, count: int, drop: float = 0.0):
    return draw_bodies(trainer.data, trainer.training_cases, trainer.model.repertoire, count,
                       np.random.default_rng(3), dataclasses.replace(
                           trainer.config.objective, drop=drop), GROUP)


def test_every_body_is_one_of_a_clips_from_some_instant_on_with_its_own_push(trainer):
    bodies, (one,) = drawn(trainer, 200), trainer.data
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
            for slot in range(len(subject.entities)):
                wanted[numbers[slot].numpy().tobytes()] = (valid[slot], push[order][slot], case)
    count = len(bodies.seconds)
    assert count == 200 and bodies.states.numbers.shape == (count, 1, 2, GROUP * NUMBERS + EXTRA)
    for row in range(count):
        valid, push, case = wanted[bodies.states.numbers[row, 0].numpy().tobytes()]
        assert torch.equal(valid, bodies.states.valid[row, 0])
        np.testing.assert_allclose(bodies.states.push[row, 0], push, rtol=1e-5, atol=1e-6)
    pushed = bodies.states.push[..., 0].sum((1, 2))
    assert 0 < float(pushed.mean()) < 1 and set(pushed.tolist()) == {0.0, 1.0}
    absent = bodies.states.numbers[:, 0, 0, -1] < 0
    assert not bodies.states.valid[absent][..., :-EXTRA].any()


def test_what_is_told_may_be_left_out_and_one_group_at_most_is_known(trainer):
    whole, less = drawn(trainer, 300), drawn(trainer, 300, drop=0.5)
    given = set(trainer.data[0].parameters) | {CLIP_START}
    wanted = sum(spec.name in given for spec in trainer.data[0].subject.parameters)
    assert wanted and (whole.told.presence.sum(1) == wanted).all()
    assert float(less.told.presence.mean()) == pytest.approx(
        0.5 * float(whole.told.presence.mean()), abs=0.05)
    first, last = whole.states.known[:, 0].unbind(-1)
    assert not (first * last).any()
    for share, expected in ((first, 0.7), (last, 0.2)):
        assert float(share.mean()) == pytest.approx(expected, abs=0.08)


def test_all_unknown_groups_have_the_motion_of_one(trainer):
    bodies = drawn(trainer, 50)
    states = bodies.states
    motion = motion_of(states.numbers, states.known, bodies.seconds, states.push)
    one = of_one_group(motion, states.known)
    for row in range(50):
        for group in range(2):
            if states.known[row, 0, group]:
                continue
            for name in ("held", "rate", "curve", "late", "exists"):
                assert torch.equal(getattr(one, name)[row, 0, 0],
                                   getattr(motion, name)[row, 0, group]), name
    assert isinstance(one, Motion) and one.time.shape == (50, 1, 1, GROUP)
