"""The second stage: exact where nothing was learned, of any size, frame by frame, safe to store."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from worldsim.diffusion.upsampler_training import PATCH, Pair, draw_batch, psnr, train
from worldsim.diffusion.upsampling import (
    CONFIG,
    WEIGHTS,
    Doubling,
    Upsampler,
    UpsamplerConfig,
    doublings,
)
from worldsim.errors import InputError

SMALL = UpsamplerConfig(width=8, blocks=1)


def untrained() -> Upsampler:
    torch.manual_seed(0)
    return Upsampler(SMALL, Doubling(SMALL), "")


def frame(rows: int, columns: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (rows, columns, 3), np.uint8)


def test_before_training_it_is_bicubic_interpolation_with_the_means_of_the_small_picture():
    small = frame(20, 30)
    x = torch.from_numpy(small).permute(2, 0, 1)[None].float() / 255
    plain = F.interpolate(x, size=(40, 60), mode="bicubic", align_corners=False)[0].numpy()
    for row, column in np.ndindex(20, 30):
        four = plain[:, 2 * row:2 * row + 2, 2 * column:2 * column + 2]
        four += (x[0, :, row, column].numpy() - four.mean(axis=(1, 2)))[:, None, None]
    expected = np.rint(plain.clip(0, 1).transpose(1, 2, 0) * 255)
    found = untrained().frame(small, (40, 60))
    assert np.abs(found - expected).max() <= 1 and (found == expected).mean() > 0.99


def test_whatever_was_learned_a_pixel_is_the_mean_of_its_four():
    made = untrained()
    torch.nn.init.normal_(made.network.write.weight, std=0.05)
    small = 96 + frame(16, 24) // 4  # far from black and white
    large = made.frame(small, (32, 48)).astype(float)
    assert np.abs(large - untrained().frame(small, (32, 48))).max() > 10, "it learned something"
    means = large.reshape(16, 2, 24, 2, 3).mean(axis=(1, 3))
    assert np.abs(means - small).max() <= 0.5, "to rounding"


@given(st.integers(16, 40), st.integers(16, 40), st.floats(1.0, 6.0))
@settings(max_examples=15, deadline=None)
def test_any_size_of_the_same_shape(rows, columns, factor):
    size = round(rows * factor), round(columns * factor)
    if abs((size[0] / rows) / (size[1] / columns) - 1) > 0.03:
        return
    found = untrained().frame(frame(rows, columns), size)
    assert found.shape == (*size, 3) and found.dtype == np.uint8


@pytest.mark.parametrize("before, after, count", [
    ((64, 64), (64, 64), 0), ((64, 64), (128, 128), 1), ((64, 64), (1080, 1080), 4),
    ((64, 114), (1080, 1920), 4), ((64, 64), (90, 90), 0), ((64, 64), (92, 92), 1)])
def test_the_nearest_power_of_two_is_taken(before, after, count):
    assert doublings(before, after) == count


@pytest.mark.parametrize("after, says", [((32, 32), "smaller"), ((128, 200), "different shape"),
                                         ((64 * 200, 64 * 200), "more than")])
def test_what_it_cannot_do_is_said(after, says):
    with pytest.raises(InputError, match=says):
        untrained().frame(frame(64, 64), after)
    with pytest.raises(InputError, match="uint8"):
        untrained().frame(frame(8, 8).astype(float), (16, 16))


def test_frames_come_one_by_one_and_do_not_depend_on_each_other():
    made = untrained()
    asked = []

    def source():
        for k in range(3):
            asked.append(k)
            yield frame(16, 16, k)

    stream = made.frames(source(), (32, 32))
    first = next(stream)
    assert asked == [0]
    assert np.array_equal(first, made.frame(frame(16, 16, 0), (32, 32)))
    assert len(list(stream)) == 2


def test_it_comes_back_from_a_directory(tmp_path):
    made = untrained()
    torch.nn.init.normal_(made.network.write.weight, std=0.05)
    sha256 = made.save_pretrained(tmp_path)
    again = Upsampler.from_pretrained(tmp_path)
    assert again.sha256 == sha256 and again.config == SMALL
    assert np.abs(again.frame(frame(16, 16), (32, 32)).astype(int)
                  - made.frame(frame(16, 16), (32, 32))).max() <= 2  # bfloat16
    (tmp_path / WEIGHTS).write_bytes((tmp_path / WEIGHTS).read_bytes()[:200])
    with pytest.raises(InputError, match="cannot be read"):
        Upsampler.from_pretrained(tmp_path)
    (tmp_path / CONFIG).write_text(json.dumps({"format": 9}))
    with pytest.raises(InputError, match="format"):
        Upsampler.from_pretrained(tmp_path)
    with pytest.raises(InputError, match="no upsampler"):
        Upsampler.from_pretrained(tmp_path / "nowhere")


def discs(seed: int) -> Pair:
    """A disc with a sharp edge at two sizes."""
    rng = np.random.default_rng(seed)
    centre, radius = rng.uniform(60, 140, 2), rng.uniform(15, 50)
    fine = np.mgrid[:800, :800] / 4 + 0.125
    inside = ((fine - centre[:, None, None]) ** 2).sum(0) < radius**2
    colours = rng.integers(0, 256, (2, 3))
    picture = np.where(inside[..., None], colours[0], colours[1]).astype(float)
    large = picture.reshape(200, 4, 200, 4, 3).mean((1, 3))
    small = large.reshape(100, 2, 100, 2, 3).mean((1, 3))
    return Pair(*(torch.from_numpy(p.round().astype(np.uint8)).permute(2, 0, 1)
                  for p in (small, large)))


def test_patches_of_a_batch_belong_together():
    small, large = draw_batch([discs(0)], np.random.default_rng(0), 4)
    assert small.shape == (4, 3, PATCH, PATCH) and large.shape == (4, 3, 2 * PATCH, 2 * PATCH)
    assert float((F.avg_pool2d(large, 2) - small).abs().max()) < 0.01


@pytest.mark.slow
def test_edges_are_learned():
    made = train([discs(k) for k in range(8)], [discs(k) for k in range(50, 54)], 30.0, 0, SMALL,
                 log=lambda _: None, steps=400)
    record = made.config.training
    assert record["psnr_dB"] > record["bicubic_psnr_dB"] + 0.3
    again = train([discs(0)], [discs(k) for k in range(50, 54)], 30.0, 0, SMALL,
                  log=lambda _: None, steps=1, init=made).config.training
    assert again["before"] == record
    assert again["psnr_dB"] == pytest.approx(record["psnr_dB"], abs=0.1), "it goes on from there"
    assert psnr(torch.full((3,), 0.5), torch.full((3,), 0.6)) == pytest.approx(20.0, abs=1e-3)
