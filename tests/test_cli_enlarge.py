"""``worldsim enlarge``: the file that is asked for, or one line that says why not."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from worldsim.cli import main
from worldsim.diffusion.upsampling import Doubling, Upsampler, UpsamplerConfig
from worldsim.video_file import write_mp4
from worldsim.video_reading import read_video

SMALL = UpsamplerConfig(width=8, blocks=1)


@pytest.fixture
def made(tmp_path):
    torch.manual_seed(0)
    Upsampler(SMALL, Doubling(SMALL), "").save_pretrained(tmp_path / "up")
    frames = np.random.default_rng(0).integers(0, 256, (6, 16, 28, 3), np.uint8)
    write_mp4(tmp_path / "small.mp4", frames, 12.0)
    return tmp_path


def enlarge(made, *args: str) -> int:
    return main(["enlarge", str(made / "small.mp4"), "--model", str(made / "up"), *args])


def test_a_video_is_enlarged_frame_by_frame(made, capsys):
    assert enlarge(made, "--out", str(made / "large.mp4"), "--size", "112x64") == 0
    large, small = read_video(made / "large.mp4"), read_video(made / "small.mp4")
    assert large.frames.shape == (6, 64, 112, 3) and large.fps == 12.0
    blocks = large.frames.reshape(6, 16, 4, 28, 4, 3).mean((2, 4))
    assert np.abs(blocks - small.frames).mean() < 25, "the same picture, larger"
    assert "112x64" in capsys.readouterr().out


def test_1080_rows_unless_said_otherwise(made):
    assert enlarge(made, "--out", str(made / "large.mp4")) == 0
    assert read_video(made / "large.mp4").frames.shape == (6, 1080, 1890, 3)


@pytest.mark.parametrize("args, says", [
    (("--out", "large.avi"), "ends in .mp4"), (("--out", "a.mp4", "--size", "big"), "1920x1080"),
    (("--out", "a.mp4", "--size", "64x64"), "different shape"),
    (("--out", "a.mp4", "--size", "14x8"), "smaller")])
def test_what_cannot_be_done_is_said_before_any_work(made, capsys, monkeypatch, args, says):
    monkeypatch.chdir(made)
    assert enlarge(made, *args) == 2
    said = capsys.readouterr().err
    assert says in said and said.count("\n") == 1
    assert not (made / "a.mp4").exists()
