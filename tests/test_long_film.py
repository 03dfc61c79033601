"""A dreamed stream goes through the second stage to disk, frame by frame."""

from __future__ import annotations

import json

import numpy as np
import pytest

from evaluation import long_film
from evaluation.enlarging import Flicker
from worldsim.errors import InputError
from worldsim.video_reading import read_video


def test_a_stream_is_enlarged_to_disk_and_what_it_took_is_kept(tmp_path, monkeypatch):
    monkeypatch.setattr(long_film, "LARGE", (128, 228))
    film, out = tmp_path / "deep" / "film.mp4", tmp_path / "record"
    assert long_film.main(["--seconds", "1", "--fps", "20", "--film", str(film),
                           "--out", str(out)]) == 0
    result = json.loads((out / "results.json").read_text())
    video = read_video(film)
    assert video.frames.shape[1:3] == (128, 228) and len(video.frames) == result["frames"]
    assert result["frames"] == round(result["fps"])
    question = long_film.asked(20.0)
    known = question.known[0].video[0]
    assert known.shape[1:3] == long_film.SMALL
    # The film begins with what was known, enlarged: seen small again it is nearly the same.
    again = video.frames[:5].reshape(5, 64, 2, 114, 2, 3).mean((2, 4))
    assert np.abs(again - known[:5]).mean() < 4
    assert "memory" in (out / "README.md").read_text()


def test_flicker_is_that_of_the_frames_that_passed():
    frames = np.random.default_rng(0).integers(0, 256, (7, 4, 5, 3)).astype(np.uint8)
    flicker = Flicker()
    assert all((a == b).all() for a, b in zip(flicker.watch(iter(frames)), frames, strict=True))
    signal = frames.astype(float)
    assert flicker.mean == pytest.approx(np.abs(signal[2:] - 2 * signal[1:-1] + signal[:-2]).mean())
    assert len(flicker.last) == 3


def test_other_models_are_refused(tmp_path):
    with pytest.raises(InputError, match="give a checkpoint"):
        long_film.main(["--model", "baseline:frozen", "--film", str(tmp_path / "a.mp4"),
                        "--out", str(tmp_path)])
