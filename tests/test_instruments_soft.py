"""Soft readings: right where tracks are, with the gradients that finite differences have."""

import numpy as np
import torch
from painted_discs import painted

from worldsim.instruments import track
from worldsim.instruments.mattes import mattes
from worldsim.instruments.soft import soft_readings

PLACES = np.array([[10.2, 9.7], [20.4, 22.1]]) + np.array([[0.0, 0.5], [0.3, -0.4]]) * np.arange(
    6)[:, None, None]


def test_soft_centroids_are_where_the_tracks_are():
    video = painted(PLACES, 3.5, 32)
    found = mattes(torch.from_numpy(video))
    position, area = soft_readings(torch.from_numpy(video).float()[None], found.looks,
                                   found.backdrop)
    assert position.shape == (1, 6, 2, 2)
    tracks = track(video, 10)["position"].values[0, 0]
    np.testing.assert_allclose(position[0].numpy(), tracks, atol=0.05)
    np.testing.assert_allclose(area.numpy(), np.pi * 3.5**2, rtol=0.06)


def test_gradients_are_those_of_finite_differences():
    video = torch.from_numpy(painted(PLACES[:2], 3.5, 32))
    found = mattes(video)
    colours = video.float().requires_grad_()
    position, _ = soft_readings(colours, found.looks, found.backdrop)
    position[0, 0, 1].backward()
    slope = colours.grad
    assert torch.isfinite(slope).all()
    assert not slope[1].any()  # another frame
    # Somewhere on the rim, brightening one channel of one pixel.
    for at in torch.nonzero(slope[0].abs() > 0.3 * slope.abs().max())[:4]:
        moved = video.float()
        moved[0, at[0], at[1], at[2]] += 0.5
        after, _ = soft_readings(moved, found.looks, found.backdrop)
        change = (after[0, 0, 1] - position[0, 0, 1]).item() / 0.5
        np.testing.assert_allclose(change, float(slope[0, at[0], at[1], at[2]]), rtol=0.15,
                                   atol=1e-4)


def test_what_is_not_there_has_no_place_and_breaks_no_gradient():
    video = torch.from_numpy(painted(PLACES[:2], 3.5, 32))
    found = mattes(video)
    empty = torch.full((1, 32, 32, 3), 170.0, requires_grad=True)
    position, area = soft_readings(empty, found.looks, found.backdrop)
    assert position.isnan().all() and not area.any()
    (area.sum() + position.nan_to_num().sum()).backward()
    assert empty.grad is None or torch.isfinite(empty.grad).all()
