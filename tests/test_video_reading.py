"""Reading real files of every awkward kind, made by ffmpeg itself."""

import subprocess

import numpy as np
import pytest

from worldsim import video_reading
from worldsim.errors import InputError
from worldsim.ffmpeg import find_ffmpeg
from worldsim.video_file import write_mp4
from worldsim.video_reading import read_video


def frames_of(count, rows=48, columns=64):
    """A bright square that moves one pixel a frame over a dull ramp."""
    video = np.empty((count, rows, columns, 3), np.uint8)
    video[:] = np.linspace(90, 150, columns).astype(np.uint8)[None, None, :, None]
    for t in range(count):
        video[t, 10:22, (t % 40) : (t % 40) + 12] = (220, 60, 40)
    return video


def made(path, *arguments):
    """A file that ffmpeg makes."""
    done = subprocess.run(
        [find_ffmpeg(), "-hide_banner", "-loglevel", "error", "-nostdin", "-y", *arguments,
         str(path)], capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    return path


def test_lossless_files_come_back_to_the_bit(tmp_path):
    video = frames_of(7, 33, 47)  # odd both ways
    raw = tmp_path / "raw.rgb"
    raw.write_bytes(video.tobytes())
    path = made(tmp_path / "odd.avi", "-f", "rawvideo", "-pix_fmt", "rgb24", "-s", "47x33", "-r",
                "12", "-i", str(raw), "-c:v", "ffv1", "-pix_fmt", "bgr0")
    back = read_video(path)
    np.testing.assert_array_equal(back.frames, video)
    assert back.fps == pytest.approx(12) and back.notes == ()


@pytest.mark.parametrize("fps", [5, 12, 23.976, 29.97, 30, 60])
def test_constant_rates_are_read_whatever_the_container_rounds_to(tmp_path, fps):
    path = write_mp4(tmp_path / "a.mp4", frames_of(24), fps)
    for name in ("a.mp4", "a.mkv", "a.webm"):
        if name != "a.mp4":
            codec = ["-c", "copy"] if name == "a.mkv" else ["-c:v", "libvpx", "-b:v", "1M"]
            made(tmp_path / name, "-i", str(path), *codec)
        back = read_video(tmp_path / name)
        assert len(back.frames) == 24
        assert back.fps == pytest.approx(fps, rel=2e-3)


def test_a_variable_rate_is_refused_with_what_to_do(tmp_path):
    path = made(tmp_path / "vfr.mp4", "-f", "lavfi", "-i", "testsrc=size=64x48:rate=30:duration=2",
                "-vf", "select='not(between(n,20,27))'", "-fps_mode", "vfr", "-c:v", "libx264")
    with pytest.raises(InputError, match=r"variable frame rate \(33.3 to .* ms.*-vf fps=30"):
        read_video(path)


def test_grey_and_transparent_videos_say_so(tmp_path):
    source = ["-f", "lavfi", "-i", "testsrc=size=64x48:rate=10:duration=1"]
    grey = read_video(made(tmp_path / "grey.mkv", *source, "-pix_fmt", "gray", "-c:v", "ffv1"))
    assert (grey.frames[..., 0] == grey.frames[..., 1]).all() and "grey" in grey.notes[0]
    clear = read_video(made(tmp_path / "clear.mov", *source, "-pix_fmt", "rgba", "-c:v", "png"))
    assert clear.frames.shape == (10, 48, 64, 3) and clear.notes == ("transparency was dropped",)


def test_one_frame_and_ten_thousand(tmp_path):
    one = read_video(write_mp4(tmp_path / "one.mp4", frames_of(1), 8))
    assert one.frames.shape == (1, 48, 64, 3) and one.fps == 8
    many = made(tmp_path / "many.mp4", "-f", "lavfi", "-i",
                "testsrc=size=32x32:rate=100:duration=100", "-c:v", "libx264", "-preset",
                "ultrafast")
    back = read_video(many)
    assert back.frames.shape == (10_000, 32, 32, 3) and back.fps == pytest.approx(100)


def test_more_than_fits_is_refused_before_it_fills_the_memory(tmp_path):
    path = write_mp4(tmp_path / "a.mp4", frames_of(40), 10)
    with pytest.raises(InputError, match=r"needs more than .* GiB.*`ffmpeg -i a.mp4 -t 10"):
        read_video(path, most_bytes=100_000)


@pytest.mark.parametrize("kept", [0.0, 0.3, 0.6, 0.95])
def test_cut_files_are_refused_and_never_read_in_part(tmp_path, kept):
    whole = write_mp4(tmp_path / "a.mp4", frames_of(60), 10).read_bytes()
    cut = tmp_path / "cut.mp4"
    cut.write_bytes(whole[: int(kept * len(whole))])
    with pytest.raises(InputError, match=r"empty|damaged or cut short|not a video") as caught:
        read_video(cut)
    assert "\n" not in str(caught.value)


def test_damaged_content_is_refused(tmp_path):
    content = bytearray(write_mp4(tmp_path / "a.mp4", frames_of(60), 10).read_bytes())
    middle = 2 * len(content) // 3
    content[middle : middle + 400] = bytes(400)
    (tmp_path / "bad.mp4").write_bytes(content)
    with pytest.raises(InputError, match="damaged or cut short"):
        read_video(tmp_path / "bad.mp4")


def test_files_without_pictures_are_refused(tmp_path):
    sound = made(tmp_path / "sound.wav", "-f", "lavfi", "-i", "sine=duration=1")
    for path, text in ((sound, None), (tmp_path / "text.mp4", "no video"), (tmp_path, None)):
        if text:
            path.write_text(text)
        with pytest.raises(InputError):
            read_video(path)


def test_names_cannot_be_taken_for_options(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_mp4(tmp_path / "-loop.mp4", frames_of(3), 5)
    assert len(video_reading.read_video("-loop.mp4").frames) == 3
