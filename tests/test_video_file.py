"""mp4 files: what is written comes back, the same bytes each time, and failures say why."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from worldsim import ffmpeg, video_file
from worldsim.errors import InputError
from worldsim.ffmpeg import find_ffmpeg
from worldsim.video_file import write_mp4
from worldsim.video_reading import read_mp4


def moving_square(frames: int = 12, rows: int = 48, columns: int = 64) -> np.ndarray:
    video = np.empty((frames, rows, columns, 3), np.uint8)
    video[:] = (30, 110, 160)
    for k in range(frames):
        video[k, 10:22, 3 * k : 3 * k + 14] = (225, 30, 30)
    return video


@pytest.mark.parametrize("fps", [5.0, 12.5, 30.0])
def test_frames_come_back(tmp_path, fps):
    video = moving_square()
    path = write_mp4(tmp_path / "deep" / "a.mp4", video, fps, crf=6)
    back, rate = read_mp4(path)
    assert rate == fps and back.shape == video.shape
    # H.264 stores colour at half resolution: edges bleed, areas must not.
    assert np.median(np.abs(back.astype(int) - video)) <= 2
    assert np.mean(np.abs(back.astype(int) - video)) < 4


def test_odd_sizes_are_padded_and_small_ones_enlarged(tmp_path):
    video = moving_square(3, 31, 45)
    back, _ = read_mp4(write_mp4(tmp_path / "odd.mp4", video, 5))
    assert back.shape == (3, 32, 46, 3)
    back, _ = read_mp4(write_mp4(tmp_path / "big.mp4", video, 5, crf=4, scale=4))
    assert back.shape == (3, 124, 180, 3)
    assert np.median(np.abs(back[:, 2::4, 2::4].astype(int) - video)) <= 2


def test_same_frames_same_bytes_from_array_or_iterator(tmp_path):
    video = moving_square()
    first = write_mp4(tmp_path / "1.mp4", video, 5).read_bytes()
    second = write_mp4(tmp_path / "2.mp4", iter(video), 5).read_bytes()
    assert first == second
    assert first != write_mp4(tmp_path / "3.mp4", video[::-1], 5).read_bytes()


def test_format_that_browsers_play(tmp_path):
    path = write_mp4(tmp_path / "a.mp4", moving_square(), 5)
    described = subprocess.run([find_ffmpeg(), "-hide_banner", "-i", str(path)],
                               capture_output=True, check=False).stderr.decode()
    assert "h264" in described and "yuv420p" in described


def test_a_failing_iterator_leaves_the_old_file(tmp_path):
    path = write_mp4(tmp_path / "a.mp4", moving_square(), 5)
    before = path.read_bytes()

    def frames():
        yield from moving_square(2)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_mp4(path, frames(), 5)
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["a.mp4"]


def test_failure_of_ffmpeg_is_one_line(tmp_path, monkeypatch):
    failing = tmp_path / "ffmpeg"
    failing.write_text("#!/bin/sh\ncat > /dev/null\necho first >&2\n"
                       "echo 'av_interleaved_write_frame(): No space left on device' >&2\n"
                       "exit 228\n")
    failing.chmod(0o755)
    monkeypatch.setattr(video_file, "find_ffmpeg", lambda: str(failing))
    with pytest.raises(InputError, match="No space left on device") as caught:
        write_mp4(tmp_path / "out" / "a.mp4", moving_square(), 5)
    assert "\n" not in str(caught.value)
    assert list((tmp_path / "out").iterdir()) == []


def test_ffmpeg_that_stops_early_is_reported(tmp_path, monkeypatch):
    failing = tmp_path / "ffmpeg"
    failing.write_text("#!/bin/sh\necho 'Unknown encoder' >&2\nexit 1\n")
    failing.chmod(0o755)
    monkeypatch.setattr(video_file, "find_ffmpeg", lambda: str(failing))
    with pytest.raises(InputError, match="Unknown encoder"):
        write_mp4(tmp_path / "a.mp4", moving_square(40, 480, 640), 5)


def test_without_ffmpeg_the_message_says_what_to_install(monkeypatch):
    monkeypatch.setattr(ffmpeg.shutil, "which", lambda name: None)
    monkeypatch.setitem(sys.modules, "imageio_ffmpeg", None)
    with pytest.raises(InputError, match=r"apt-get install ffmpeg.*pip install imageio-ffmpeg"):
        find_ffmpeg()


@pytest.mark.parametrize(("video", "fps", "message"), [
    (np.zeros((0, 8, 8, 3), np.uint8), 5, "no frames"),
    (np.zeros((2, 8, 8), np.uint8), 5, "row, column, 3"),
    (np.zeros((2, 8, 8, 3)), 5, "uint8"),
    (np.zeros((2, 8, 8, 3), np.uint8), 0, "fps=0"),
    ([np.zeros((8, 8, 3), np.uint8), np.zeros((8, 9, 3), np.uint8)], 5, "differ in shape"),
])
def test_wrong_videos_are_refused(tmp_path, video, fps, message):
    with pytest.raises(InputError, match=message):
        write_mp4(tmp_path / "a.mp4", video, fps)
    assert list(tmp_path.iterdir()) == []


def test_reading_what_is_not_there_or_not_a_video(tmp_path):
    with pytest.raises(InputError, match="does not exist"):
        read_mp4(tmp_path / "none.mp4")
    (tmp_path / "text.mp4").write_text("no video")
    with pytest.raises(InputError, match="not a video"):
        read_mp4(tmp_path / "text.mp4")
    whole = write_mp4(tmp_path / "a.mp4", moving_square(), 5).read_bytes()
    (tmp_path / "cut.mp4").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError):
        read_mp4(tmp_path / "cut.mp4")
