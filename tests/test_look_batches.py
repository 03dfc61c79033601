"""Bodies cut out of filmed clips against the clips that they are from."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
from synthetic_clips import ball_clips
from test_motion import CONFIG, quiet

from worldsim.diffusion.batches import Kind
from worldsim.diffusion.look_batches import LOST_SHARE, ROUGH, draw_looks, planes_of
from worldsim.diffusion.trainer import Trainer
from worldsim.errors import InputError

GROUP = CONFIG.transformer.patches.frames


@pytest.fixture(scope="module")
def trainer() -> Trainer:
    clips = ball_clips(cases=6)
    turned = clips.states.copy()
    angle = np.arange(6 * clips.frames).reshape(6, clips.frames, 1) * 0.1
    cos, sin, nothing = np.cos(angle), np.sin(angle), np.zeros_like(angle)
    turned[..., 3:] = np.where(np.isfinite(turned[..., :1]), np.stack(
        [cos, nothing, -sin, sin, nothing, cos], -1), np.nan)
    return Trainer(CONFIG, [dataclasses.replace(clips, states=turned)], quiet)


def test_looks_are_at_bodies_of_clips_with_what_is_true_and_rough_turns(trainer):
    looks = draw_looks(trainer.data, trainer.training_cases, trainer.model.repertoire, 500,
                       np.random.default_rng(0), GROUP)
    assert looks.true is not None and looks.pictures.shape[0] == len(looks.told) == 500
    turns, off = looks.true[:, 2:8], looks.true[:, :2].norm(dim=1)
    (one,), (cases,) = trainer.data, trainer.training_cases
    basis = np.array(one.subject.main.basis)
    states = one.states[cases][:, :one.clips.frames]
    there = states[np.isfinite(states[..., 0])]
    wanted = np.concatenate([there[:, 3:6] @ basis.T, there[:, 6:] @ basis.T], -1)
    apart = np.abs(turns.numpy()[:, None] - wanted[None]).max(-1).min(1)
    assert apart.max() < 1e-5
    error = (looks.told[:, :6] - turns).square().mean(-1).sqrt()
    assert ROUGH[0] / 3 < float(error.min()) and 0.2 < float(error.mean()) < 0.45
    assert 0.2 < float((off > 0.1).float().mean()) < LOST_SHARE + 0.3 and float(off.max()) < 2
    # Where the ball should be there is a coloured one on grey.
    at = looks.true[:, None, None, :2] * torch.tensor([1.0, -1.0])
    there = torch.nn.functional.grid_sample(looks.pictures, at, align_corners=False)[..., 0, 0]
    inside = looks.true[:, :2].abs().amax(1) < 0.9
    colourful = there.max(1).values - there.min(1).values
    assert float((colourful[inside] > 0.3).float().mean()) > 0.97
    # All balls are alike: what is told of their sizes and what is true of them make that up.
    ratio = looks.true[:, 8:].exp() * looks.told[:, 6:9] * looks.told[:, 9:]
    torch.testing.assert_close(ratio, torch.full_like(ratio, float(ratio.mean())), rtol=1e-4,
                               atol=1e-6)
    assert 0.02 < float(looks.true[:, 8:].std()) < 0.2
    corners = looks.pictures[:, :, 0, 0]
    assert float((corners.max(1).values - corners.min(1).values).median()) < 0.1


def test_views_that_are_no_planes_teach_no_turns(trainer):
    (one,) = trainer.data
    assert planes_of(one) and all(one.subject.views[list(one.clips.cameras)[v]].projection
                                  == "orthographic" for v in planes_of(one))
    assert any(trainer.batch(step).kind is Kind.LOOKS for step in range(60))
    deep = {name: camera.replace("orthographic", "perspective").replace(
        '"fov_y_deg": 0.0', '"fov_y_deg": 40.0') for name, camera in one.subject.cameras.items()}
    data = dataclasses.replace(trainer.data[0], subject=dataclasses.replace(
        one.subject, cameras=deep))
    assert not planes_of(data)


def test_a_training_on_turns_alone_learns_and_touches_nothing_else(trainer):
    config = dataclasses.replace(CONFIG, batch=dataclasses.replace(
        CONFIG.batch, paths=0.0, readings=0.0, laws=0.0, looks=1.0, looks_bodies=64), steps=40)
    alone = Trainer(config, [trainer.data[0].clips], quiet)
    before = {name: value.clone() for name, value in alone.network.state_dict().items()}
    losses = [alone.step()["loss"] for _ in range(40)]
    assert np.mean(losses[-10:]) < np.mean(losses[:10])
    changed = {name.split(".")[0] for name, value in alone.network.state_dict().items()
               if not torch.equal(value, before[name])}
    assert changed == {"looks"}


def test_too_few_looks_and_clips_without_bodies_are_refused_in_words(trainer):
    def drawn(data, count: int):
        return draw_looks(data, trainer.training_cases, trainer.model.repertoire, count,
                          np.random.default_rng(0), GROUP)

    with pytest.raises(InputError, match="looks_bodies=0: give at least one for each of the 1"):
        drawn(trainer.data, 0)
    (one,) = trainer.data
    gone = dataclasses.replace(one, states=np.full_like(one.states, np.nan))
    with pytest.raises(InputError, match="shows a body: give looks=0"):
        drawn((gone,), 10)
