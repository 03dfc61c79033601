"""Holes are filled from what is around them, and nothing else changes."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from worldsim.diffusion.filling import filled


@given(st.integers(1, 23), st.integers(1, 23), st.integers(0, 10**6))
def test_what_is_there_stays_and_new_pixels_lie_between(rows, columns, seed):
    generator = torch.Generator().manual_seed(seed)
    pictures = torch.rand(2, 3, rows, columns, generator=generator)
    there = (torch.rand(2, 1, rows, columns, generator=generator) < 0.5).float()
    found = filled(pictures, there)
    kept = there.bool().expand_as(pictures)
    assert torch.equal(found[kept], pictures[kept]) and found.isfinite().all()
    for number in range(2):
        if there[number].any():
            for channel in range(3):
                seen = pictures[number, channel][there[number, 0] > 0]
                new = found[number, channel]
                assert new.min() >= seen.min() - 1e-5 and new.max() <= seen.max() + 1e-5


def test_what_lies_in_a_hole_does_not_matter():
    there = torch.ones(1, 1, 32, 48)
    there[..., 9:21, 5:30] = 0
    pictures = torch.rand(1, 3, 32, 48)
    other = torch.where(there > 0, pictures, 17.0)
    torch.testing.assert_close(filled(pictures, there), filled(other, there))


@pytest.mark.parametrize("size", [(64, 64), (64, 100)])
def test_a_slope_goes_on_behind_a_disc(size):
    row, column = torch.meshgrid(*(torch.arange(n).float() for n in size), indexing="ij")
    slope = (0.01 * row - 0.007 * column)[None, None]
    there = ((row - 30) ** 2 + (column - 33) ** 2 > 49).float()[None, None]
    off = (filled(torch.where(there > 0, slope, 1.0), there) - slope).abs()
    assert float(off.max()) < 0.06, "of a difference of 0.14 across the disc"
    flat = filled(torch.where(there > 0, 0.3, 1.0), there)
    torch.testing.assert_close(flat, torch.full_like(flat, 0.3))


def test_a_picture_of_nothing_is_its_mean():
    pictures = torch.rand(1, 3, 16, 16)
    mean = pictures.mean((2, 3), keepdim=True).expand_as(pictures)
    torch.testing.assert_close(filled(pictures, torch.zeros(1, 1, 16, 16)), mean)
