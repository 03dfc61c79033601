"""A folder of videos, made by ffmpeg or by us, as a world model."""

import json
import subprocess

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import worldsim
from worldsim.errors import InputError
from worldsim.ffmpeg import find_ffmpeg
from worldsim.models.alignment import crop_box, fit_size, fit_time
from worldsim.models.prediction_files import parse_name
from worldsim.models.videos import MissingPrediction, VideoFolder, alignments_of
from worldsim.query import Known, Query
from worldsim.video_file import write_mp4

A, B = "free_fall-in_range-0000", "free_fall-in_range-0001"


def asked(*case_ids, **changes):
    """2 s at 20 frames/s of 32x32, seen from the side."""
    standard = dict(
        scenario="free_fall", parameters={}, cameras=("side",), size=(32, 32), fps=20.0,
        duration=2.0, cases=max(len(case_ids), 1), case_ids=case_ids,
    )
    return Query(**(standard | changes))


def clock(frames, fps, size=(32, 32)):
    """Brightness tells the time, 100 levels a second: which frame is shown can be read off."""
    level = np.rint(20 + 100 * np.arange(frames) / fps).astype(np.uint8)
    return np.broadcast_to(level[:, None, None, None], (frames, *size, 3)).copy()


def read_clock(video):
    return (video.mean(axis=(-3, -2, -1)) - 20) / 100


def made(path, *arguments):
    """A file that ffmpeg makes."""
    done = subprocess.run(
        [find_ffmpeg(), "-hide_banner", "-loglevel", "error", "-nostdin", "-y", *arguments,
         str(path)], capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    return path


def pattern(path, rate, size, seconds, *codec):
    return made(path, "-f", "lavfi", "-i",
                f"testsrc=size={size}:rate={rate}:duration={seconds}", *codec)


@pytest.mark.parametrize(("fps", "offset"), [
    (20, 0.0), (40, 0.0), (60, 0.0), (30, 1 / 60), (24, 1 / 60), (10, 0.05), (8, 1 / 16)])
def test_every_instant_takes_the_nearest_frame_and_the_offset_is_told(tmp_path, fps, offset):
    write_mp4(tmp_path / f"{A}.mp4", clock(round(2 * fps), fps), fps, crf=1)
    rollout = worldsim.load_model(f"videos:{tmp_path}").rollout(asked(A))
    shown = read_clock(rollout["video/side"]["rgb"].values[0, 0])
    (record,) = alignments_of(rollout)
    # The last frame of a slow video stands for its whole interval, the others for half of it.
    most = 1 / fps if fps < 20 else offset
    assert np.abs(shown - np.arange(40) / 20).max() < most + 0.016
    # Off by half an interval at most wherever there is a frame on either side.
    inner = np.arange(40) / 20 < 2 - 1 / fps
    assert np.abs(shown - np.arange(40) / 20)[inner].max() < 0.5 / fps + 0.016
    assert offset - 1e-4 <= record.largest_offset <= most + 1e-4
    assert (record.fps, record.frames) == (pytest.approx(fps, rel=1e-3), round(2 * fps))
    assert (record.held, record.cropped, record.resampling) == (0, 0, "none")


@given(count=st.integers(1, 60), rate=st.sampled_from([5, 8, 12.5, 20, 24, 29.97, 60]),
       frames=st.integers(1, 50), fps=st.sampled_from([5.0, 10.0, 20.0]))
@settings(max_examples=200, deadline=None)
def test_no_frame_is_nearer_than_the_one_taken(count, rate, frames, fps):
    lasts, needed = count / rate, frames / fps
    missing = needed - lasts
    allowed = max(1 / fps, 0.02 * needed)
    if abs(missing - allowed) < 0.005:
        return  # on the edge either is right
    if missing > allowed:
        with pytest.raises(InputError, match="are needed; make it longer"):
            fit_time(count, rate, frames, fps)
        return
    fit = fit_time(count, rate, frames, fps)
    there = np.arange(count) / rate
    away = np.abs(np.arange(frames)[:, None] / fps - there)
    taken = away[np.arange(frames), fit.index]
    assert (taken <= away.min(axis=1) + 2e-3 / rate).all()
    assert fit.largest_offset == pytest.approx(taken.max())
    assert (np.diff(fit.index) >= 0).all()
    assert fit.held == sum(k / fps >= lasts - 2e-3 / rate for k in range(frames))
    assert fit.cut == pytest.approx(max(lasts - needed, 0))


def test_a_frame_less_is_held_and_more_is_cut_and_both_are_told(tmp_path):
    write_mp4(tmp_path / f"{A}.mp4", clock(39, 20), 20, crf=1)
    write_mp4(tmp_path / f"{B}.mp4", clock(50, 20), 20, crf=1)
    rollout = VideoFolder(tmp_path).rollout(asked(A, B))
    video = rollout["video/side"]["rgb"].values[:, 0]
    one, other = alignments_of(rollout)
    assert (video[0, 39] == video[0, 38]).all() and (video[0, 38] != video[0, 37]).any()
    assert one.held == 1 and "last frame is shown for 1 more" in one.notes[0]
    assert other.held == 0 and other.cut == pytest.approx(0.5) and other.notes == ()
    write_mp4(tmp_path / f"{A}.mp4", clock(38, 20), 20)
    with pytest.raises(InputError, match=rf"{A}.mp4 lasts 1.9 s \(38 frames at 20 .* 2 s are need"):
        VideoFolder(tmp_path).rollout(asked(A))


@pytest.mark.parametrize(("name", "codec"), [
    ("mp4", ["-c:v", "libx264", "-pix_fmt", "yuv420p"]), ("webm", ["-c:v", "libvpx-vp9"]),
    ("mkv", ["-c:v", "ffv1"]), ("mov", ["-c:v", "mpeg4"]), ("avi", ["-c:v", "mjpeg"]),
    ("gif", []), ("MP4", ["-c:v", "libx264", "-f", "mp4"])])
def test_files_of_other_programs_and_codecs_are_read(tmp_path, name, codec):
    pattern(tmp_path / f"{A}.{name}", 25, "96x96", 2, *codec)
    rollout = VideoFolder(tmp_path).rollout(asked(A))
    (record,) = alignments_of(rollout)
    assert (record.rows, record.columns, record.frames) == (96, 96, 50)
    assert record.resampling == "area" and record.file == f"{A}.{name}"
    lossless = pattern(tmp_path / "reference.mkv", 25, "96x96", 2, "-c:v", "ffv1")
    frames = worldsim.video_reading.read_video(lossless).frames[
        np.ceil(np.arange(40) * 1.25 - 0.501).astype(int)]
    means = frames.reshape(40, 32, 3, 32, 3, 3).mean(axis=(2, 4))
    assert np.abs(rollout["video/side"]["rgb"].values[0, 0] - means).mean() < 8


def test_sizes_by_area_or_bicubic_never_by_stretching_shapes():
    rng = np.random.default_rng(0)
    small = rng.integers(0, 256, (3, 8, 12, 3), dtype=np.uint8)
    large = small.repeat(4, axis=1).repeat(4, axis=2)
    back, how, cropped = fit_size(large, (8, 12))
    np.testing.assert_array_equal(back, small)
    assert (how, cropped) == ("area", 0)
    assert fit_size(small, (32, 48))[1] == "bicubic"
    # 65 columns padded to 66 for the codec are no crop.
    assert fit_size(np.zeros((1, 64, 66, 3), np.uint8), (64, 65))[2] == 0
    # A disc stays as wide as it is high, whatever the picture's aspect.
    y, x = np.mgrid[:90, :160]
    disc = (np.hypot(y - 44.5, x - 79.5) < 30).astype(np.uint8)[None, ..., None] * np.full(
        3, 255, np.uint8)
    square, _, cropped = fit_size(disc, (45, 45))
    bright = square[0, ..., 0] > 127
    # Its edges lie within pixels of the smaller picture.
    assert bright.any(axis=0).sum() == bright.any(axis=1).sum() == 31
    assert square[0, ..., 0].sum() / 255 == pytest.approx(np.pi * 15**2, rel=0.01)
    assert cropped == pytest.approx(1 - 90 / 160)


@given(rows=st.integers(2, 300), columns=st.integers(2, 300), asked_rows=st.integers(2, 100),
       asked_columns=st.integers(2, 100))
@settings(max_examples=200, deadline=None)
def test_the_part_that_is_kept_has_the_right_aspect_and_is_central(
        rows, columns, asked_rows, asked_columns):
    left, top, right, bottom = crop_box((rows, columns), (asked_rows, asked_columns))
    assert (left + right, top + bottom) == (pytest.approx(columns), pytest.approx(rows))
    assert left == pytest.approx(0) or top == pytest.approx(0)
    kept = (right - left) / (bottom - top) / (asked_columns / asked_rows)
    assert 1 / 1.0201 <= kept <= 1.0201


def test_another_aspect_is_cropped_with_a_note(tmp_path):
    pattern(tmp_path / f"{A}.mp4", 24, "160x90", 3, "-c:v", "libx264")
    rollout = VideoFolder(tmp_path).rollout(asked(A))
    (record,) = alignments_of(rollout)
    assert record.cropped == pytest.approx(1 - 90 / 160)
    assert record.notes == ("a picture of 90x160 was cropped by 44% to the aspect of 32x32",)
    assert json.loads(rollout.attrs["alignment"])[0]["cut"] == pytest.approx(1.0)


def test_videos_that_begin_after_the_context_get_it_put_before(tmp_path):
    rest = clock(40, 20)[5:]
    write_mp4(tmp_path / f"{A}.mp4", rest, 20, crf=1)
    context = np.random.default_rng(0).integers(0, 256, (1, 5, 32, 32, 3), dtype=np.uint8)
    query = asked(A, known=(Known("side", context),))
    with pytest.raises(InputError, match=r"lasts 1\.75 s"):
        VideoFolder(tmp_path).rollout(query)
    (tmp_path / "manifest.json").write_text('{"starts": "after_context", "model": "mine"}')
    model = VideoFolder(tmp_path)
    rollout = model.rollout(query)
    video = rollout["video/side"]["rgb"].values[0, 0]
    np.testing.assert_array_equal(video[:5], context[0])
    assert np.abs(read_clock(video[5:]) - np.arange(5, 40) / 20).max() < 0.016
    assert alignments_of(rollout)[0].start == pytest.approx(0.25)
    with pytest.raises(InputError, match="has none of camera 'side'; make it with context="):
        model.rollout(asked(A))


@pytest.mark.parametrize(("text", "message"), [
    ('{"starts": "later"}', "starts is 'later'; write one of with_context, after_context"),
    ('{"start": "after_context"}', "says 'start'; it may say starts"),
    ('{"format": "worldsim-export/1"}', "is the manifest of an export"),
    ('["after_context"]', "holds no object"), ("{", "cannot be read as JSON")])
def test_a_wrong_declaration_is_refused(tmp_path, text, message):
    write_mp4(tmp_path / f"{A}.mp4", clock(40, 20), 20)
    (tmp_path / "manifest.json").write_text(text)
    with pytest.raises(InputError, match=message):
        worldsim.load_model(f"videos:{tmp_path}")


def test_realizations_are_used_as_far_as_there_are_any(tmp_path):
    for number in range(3):
        write_mp4(tmp_path / f"{A}.r{number}.mp4", clock(40, 20) + np.uint8(10 * number), 20, crf=1)
    write_mp4(tmp_path / f"{B}.side.mp4", clock(40, 20), 20, crf=1)
    model = VideoFolder(tmp_path)
    assert model.capabilities.stochastic
    for wanted, got in ((1, 1), (2, 2), (3, 3), (8, 3)):
        rollout = model.rollout(asked(A, realizations=wanted))
        assert rollout.attrs["realizations_asked"] == wanted
        first = rollout["video/side"]["rgb"].values[0, :, 0].mean(axis=(1, 2, 3))
        np.testing.assert_allclose(first, 20 + 10 * np.arange(got), atol=1)
    alone = model.rollout(asked(B, realizations=8))["video/side"]["rgb"].values
    assert alone.shape[1] == 8 and (alone == alone[:, :1]).all()
    # A case is answered alike alone and among others, as far as realizations go.
    both = model.rollout(asked(A, B, realizations=8))["video/side"]["rgb"].values
    np.testing.assert_array_equal(both[1], alone[0, :3])


def test_a_case_without_a_file_fails_alone_and_by_name(tmp_path):
    write_mp4(tmp_path / f"{A}.mp4", clock(40, 20), 20)
    write_mp4(tmp_path / f"{B[:-1]}x.mp4", clock(40, 20), 20)
    model = VideoFolder(tmp_path)
    model.rollout(asked(A))
    missing = f"no video of case '{B}'.*nearest name is"
    with pytest.raises(MissingPrediction, match=missing) as caught:
        model.rollout(asked(B))
    assert (caught.value.case, caught.value.camera) == (B, "side")
    assert isinstance(caught.value, InputError)
    with pytest.raises(MissingPrediction, match="camera 'corner'"):
        model.rollout(asked(A, cameras=("side", "corner")))
    with pytest.raises(InputError, match="does not name its cases"):
        model.rollout(asked())


def test_cameras_by_name_and_the_first_without(tmp_path):
    write_mp4(tmp_path / f"{A}.mp4", clock(40, 20), 20, crf=1)
    write_mp4(tmp_path / f"{A}.corner.mp4", clock(40, 20)[::-1], 20, crf=1)
    model = VideoFolder(tmp_path)
    videos = model.rollout(asked(A, cameras=("side", "corner")))["video"]
    forward, backward = (videos[name]["rgb"].values[0, 0] for name in ("side", "corner"))
    assert (np.diff(read_clock(forward)) > 0).all() and (np.diff(read_clock(backward)) < 0).all()
    only = model.rollout(asked(A, cameras=("corner",)))["video/corner"]["rgb"].values[0, 0]
    np.testing.assert_array_equal(only, backward)
    (tmp_path / f"{A}.corner.mp4").rename(tmp_path / f"{A}.corner.r1.mp4")
    with pytest.raises(MissingPrediction, match="has no camera 'corner'; add"):
        VideoFolder(tmp_path).rollout(asked(A, cameras=("side", "corner")))


def test_two_files_for_one_place_are_refused(tmp_path):
    write_mp4(tmp_path / f"{A}.mp4", clock(40, 20), 20)
    for other in (f"{A}.r0.mp4", f"{A}.side.mp4"):
        write_mp4(tmp_path / other, clock(40, 20), 20)
        with pytest.raises(InputError, match=r"are both of case .* realization 0; remove one"):
            VideoFolder(tmp_path).rollout(asked(A))
        (tmp_path / other).unlink()
    VideoFolder(tmp_path).rollout(asked(A))


def test_damaged_files_are_refused_and_the_others_answer(tmp_path):
    write_mp4(tmp_path / f"{A}.mp4", clock(40, 20), 20)
    (tmp_path / f"{B}.mp4").write_bytes((tmp_path / f"{A}.mp4").read_bytes()[:700])
    model = VideoFolder(tmp_path)
    with pytest.raises(InputError, match=f"{B}.mp4 is (damaged|not a video)"):
        model.rollout(asked(B))
    model.rollout(asked(A))


def test_the_digest_changes_with_what_is_answered_and_with_nothing_else(tmp_path):
    write_mp4(tmp_path / f"{A}.mp4", clock(40, 20), 20)
    write_mp4(tmp_path / f"{B}.mp4", clock(40, 20), 20)
    first = VideoFolder(tmp_path).digest([A])
    write_mp4(tmp_path / f"{B}.mp4", clock(42, 20), 20)
    assert VideoFolder(tmp_path).digest([A]) == first
    assert VideoFolder(tmp_path).rollout(asked(A)).attrs["checkpoint"] == first
    (tmp_path / "manifest.json").write_text('{"starts": "after_context"}')
    assert VideoFolder(tmp_path).digest([A]) != first
    (tmp_path / "manifest.json").unlink()
    write_mp4(tmp_path / f"{A}.mp4", clock(42, 20), 20)
    assert VideoFolder(tmp_path).digest([A]) != first


@pytest.mark.parametrize(("name", "parsed"), [
    ("a.mp4", ("a", None, None)), ("a.side.mp4", ("a", "side", None)),
    ("a.r3.mp4", ("a", None, 3)), ("a.side.r03.webm", ("a", "side", 3)),
    ("a.r3.side.mp4", None), ("a.side.r1.r2.mp4", None), ("a.side.corner.mp4", None),
    ("a.txt", None), (".mp4", None), ("a.r.mp4", ("a", "r", None))])
def test_names(tmp_path, name, parsed):
    file = parse_name(tmp_path / name)
    found = file and (file.case, file.camera, file.realization)
    assert found == parsed


def test_folders_that_hold_nothing_are_refused(tmp_path):
    (tmp_path / "notes.txt").write_text("none")
    (tmp_path / f".{A}.mp4").write_bytes(b"")
    for name, message in (
        (f"videos:{tmp_path}", "holds no videos"),
        ("videos:", "write videos:DIR"),
        (f"videos:{tmp_path / 'none'}", "is not a folder"),
    ):
        with pytest.raises(InputError, match=message):
            worldsim.load_model(name)


def test_a_query_names_its_cases_or_none():
    with pytest.raises(InputError, match="1 case ids for 2 cases"):
        asked(A, cases=2)
    s = worldsim.make("free_fall")
    assert worldsim.query([s, s], case_ids=(A, B)).case_ids == (A, B)
    assert worldsim.query(s).case_ids == ()


class Needy:
    """A model whose class cannot be called without arguments."""

    def __init__(self, weights, device, size=3, **options):
        raise AssertionError("never called")


NOT_A_CLASS = 3


def test_python_models_that_cannot_be_made_say_why():
    here = f"python:{__name__}"
    for spec, message in (
        (f"{here}:Needy", "needs weights, device; give defaults"),
        (f"{here}:NOT_A_CLASS", "is a int; name a class"),
        (f"{here}:Nowhere", "cannot be imported.*PYTHONPATH"),
        ("python:no_such_module_at_all:X", "cannot be imported.*PYTHONPATH"),
        ("python:builtins:dict", "makes a dict, which lacks name, capabilities, rollout, start"),
        ("python:onlyamodule", "write python:package.module:Class"),
    ):
        with pytest.raises(InputError, match=message):
            worldsim.load_model(spec)
