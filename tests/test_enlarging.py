"""What is measured of the second stage: known answers for made-up films."""

from __future__ import annotations

import numpy as np
import pytest

from evaluation.enlarging import bicubic, compared, flicker, psnr


def test_psnr_of_a_known_error():
    true = np.full((2, 3, 8, 8, 3), 100, np.uint8)
    found = true.copy()
    found[1] += 51  # a fifth of full scale
    assert psnr(found, true)[1] == pytest.approx(20 * np.log10(5), abs=1e-4)
    assert psnr(found, true)[0] > 100


def test_flicker_counts_what_rests_only():
    film = np.full((1, 6, 4, 4, 3), 100, np.uint8)
    film[0, ::2, :, 0] += 10  # flickers by 10 levels: its second difference is 20
    film[0, :, :, 3] += (np.arange(6, dtype=np.uint8) ** 2 * 5)[:, None, None]
    resting = np.ones((1, 4, 4), bool)
    resting[:, :, 3] = False
    assert flicker(film, resting)[0] == pytest.approx(20 / 3)
    assert flicker(film[:, :, :, 1:3], resting[:, :, 1:3])[0] == 0


def test_interpolation_keeps_flat_pictures_and_shape():
    film = np.full((2, 3, 8, 6, 3), 77, np.uint8)
    large = bicubic(film, (16, 12))
    assert large.shape == (2, 3, 16, 12, 3) and (large == 77).all()


def test_what_is_missing_is_left_out_of_a_comparison():
    found = compared(np.array([1.0, 2.0, np.nan]), np.array([0.5, 1.0, 3.0]))
    assert found["mean"] == pytest.approx(0.75) and found["cases"] == 2
