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


def test_flicker_is_what_comes_and_goes():
    film = np.full((1, 6, 4, 4, 3), 100, np.uint8)
    film[0, :, :, 1] += np.arange(6, dtype=np.uint8)[:, None, None]  # a steady change is none
    assert flicker(film)[0] == 0
    film[0, ::2, :, 0] += 10  # by 10 levels, to and fro: its second difference is 20
    assert flicker(film)[0] == pytest.approx(20 / 4)


def test_interpolation_keeps_flat_pictures_and_shape():
    film = np.full((2, 3, 8, 6, 3), 77, np.uint8)
    large = bicubic(film, (16, 12))
    assert large.shape == (2, 3, 16, 12, 3) and (large == 77).all()


def test_what_is_missing_is_left_out_of_a_comparison():
    found = compared(np.array([1.0, 2.0, np.nan]), np.array([0.5, 1.0, 3.0]))
    assert found["mean"] == pytest.approx(0.75) and found["cases"] == 2
