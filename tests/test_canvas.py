"""Pictures of any shape: in the middle of whole patches, and as the training saw them."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from evaluation.learned.asking import CONTEXT, examined, frozen, position_errors
from worldsim.camera import render
from worldsim.diffusion.canvas import Canvas, as_trained
from worldsim.diffusion.model import VideoDiffusion
from worldsim.scenario import scenario_class
from worldsim.simulator.world import simulate

SIDES = st.integers(1, 70)


@given(SIDES, SIDES, st.sampled_from([4, 8, 16]))
def test_a_picture_lies_in_the_middle_and_comes_back(rows, columns, patch):
    canvas = Canvas((rows, columns), patch)
    frames = np.random.default_rng(rows).integers(0, 256, (2, rows, columns, 3), np.uint8)
    whole = canvas.around(frames)
    assert whole.shape[1:3] == canvas.shape
    assert all(side % patch == 0 and side - own < patch
               for side, own in zip(canvas.shape, (rows, columns), strict=True))
    assert np.array_equal(whole[:, *canvas.inner], frames)
    for before, side, own in zip(canvas.margin, canvas.shape, (rows, columns), strict=True):
        assert 0 <= (side - own - before) - before <= 1
    for corner in (0, -1):
        assert (whole[:, corner, corner] == frames[:, corner, corner]).all()


@pytest.mark.parametrize("camera", ["side", "corner"])
def test_what_is_projected_moves_with_the_picture(camera):
    model = VideoDiffusion.from_pretrained("worldsim-small")
    subject = model.config.repertoire.subject("free_fall")
    canvas = Canvas((114, 70), 16)
    plain = torch.from_numpy(subject.projection(camera, canvas.size))
    for place in ((0.0, 0.0, 0.0, 1.0), (0.3, -0.2, 0.4, 1.0)):
        column, row, depth = plain @ torch.tensor(place, dtype=plain.dtype)
        x, y, z = canvas.shifted(plain) @ torch.tensor(place, dtype=plain.dtype)
        assert float(x / z - column / depth) == pytest.approx(canvas.margin[1])
        assert float(y / z - row / depth) == pytest.approx(canvas.margin[0])


@pytest.mark.parametrize("size, off", [((64, 114), 0.0), ((64, 40), 12.0), ((128, 128), 1.5),
                                       ((114, 64), 4.0)])
def test_another_shape_is_seen_as_the_training_saw_it(size, off):
    """The same camera at another size; what it does not show is continued from the edge."""
    truth = simulate(scenario_class("pendulum")(), seed=1, duration=0.2)
    film, square = (render(truth, "side", size=shape, fps=10)["rgb"].values[0, 0]
                    for shape in (size, (64, 64)))
    found = as_trained(film, (64, 64))
    assert found.shape == square.shape and found.dtype == np.uint8
    assert np.abs(found.astype(float) - square).mean() <= off
    middle = slice(24, 40)
    assert np.abs(found[:, :, middle].astype(float) - square[:, :, middle]).mean() <= min(off, 2.0)


@pytest.mark.parametrize("size", [(64, 114), (114, 64), (96, 96)])
def test_the_packaged_model_answers_in_other_shapes(size):
    """Bodies are read, moved and drawn where they are; once they stood still in all but squares."""
    model = VideoDiffusion.from_pretrained("worldsim-small")
    one = examined("pendulum", 3, size=size)
    with pytest.warns(UserWarning, match="size: it extrapolates"):
        answer = model.rollout(one.question)
    assert answer["video/side"]["rgb"].shape[3:5] == size
    assert position_errors(answer, one).mean() < 0.3 * frozen(one).mean()
    known = one.question.known[0].video
    assert np.array_equal(answer["video/side"]["rgb"].values[:, 0, :CONTEXT], known)
