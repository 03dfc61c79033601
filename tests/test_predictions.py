"""An export, and what the check of a folder of predictions says about everything that can be wrong.
"""

import json
import shutil
import subprocess

import numpy as np
import pytest
from PIL import Image

from evaluation.benchmark.export import export_case, exported_context, write_manifest
from evaluation.benchmark.manifest import ExportedCase, cases_of, read_manifest
from evaluation.benchmark.prediction_context import after_context_problem, context_problem
from evaluation.benchmark.predictions import Severity, check_predictions
from worldsim.errors import InputError
from worldsim.ffmpeg import find_ffmpeg
from worldsim.models.videos import VideoFolder
from worldsim.query import Known, Query
from worldsim.video_file import write_mp4
from worldsim.video_reading import read_video

A, B, C = (f"free_fall-in_range-000{n}" for n in range(3))
FPS, FRAMES, CONTEXT, SIZE = 20.0, 40, 5, (32, 32)


def scene(seed, frames=FRAMES, first=0, speed=0.5):
    """(time, row, column, 3): a disc crosses a quiet background of its own colour."""
    rng = np.random.default_rng(seed)
    background, colour = rng.integers(30, 120, 3), rng.integers(150, 255, 3)
    y, x = np.mgrid[:SIZE[0], :SIZE[1]]
    video = np.empty((frames, *SIZE, 3), np.uint8)
    for t in range(frames):
        away = np.hypot(y - 16, x - 6 - speed * (t + first))
        share = np.clip(4.5 - away, 0, 1)[..., None]
        video[t] = np.rint(background * (1 - share) + colour * share)
    return video


def entry(case, number, **changes):
    return {
        "id": case, "scenario": "free_fall", "split": "in_range", "number": number,
        "seed": 1152921504606846987, "cameras": ["side"], "size": list(SIZE), "fps": FPS,
        "duration": FRAMES / FPS, "frames": FRAMES, "context_frames": CONTEXT,
        "prompt": "a ball drops", "parameters": {"height": 1.2}, "realizations": 4, **changes,
    }


def manifest(*entries):
    return {"format": "worldsim-export/1", "suite": "quick-v1", "suite_digest": "0",
            "cases": list(entries) or [entry(name, n) for n, name in enumerate((A, B, C))]}


def context_of(case, camera):
    return scene(case.number)[:CONTEXT]


@pytest.fixture
def good(tmp_path):
    """A folder without a fault: one file per case."""
    folder = tmp_path / "good"
    for number, case in enumerate((A, B, C)):
        write_mp4(folder / f"{case}.mp4", scene(number), FPS, scale=4)
    return folder


def said(folder, about=None, **options):
    options = {"context_of": context_of} | options
    problems = check_predictions(folder, about or manifest(), **options)
    assert all("\n" not in str(problem) for problem in problems)
    return [str(problem) for problem in problems]


def ffmpeg(path, *arguments):
    done = subprocess.run([find_ffmpeg(), "-loglevel", "error", "-nostdin", "-y", *arguments,
                           str(path)], capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()


def query(case, number, **changes):
    return Query("free_fall", {}, cameras=("side",), size=SIZE, fps=FPS, duration=FRAMES / FPS,
                 case_ids=(case,), **changes)


def test_a_good_folder_has_no_problem_whatever_the_rate_size_and_codec(good):
    assert said(good) == []
    source = str(good / f"{A}.mp4")
    ffmpeg(good / "a.webm", "-i", source, "-vf", "scale=256:256", "-c:v", "libvpx-vp9")
    (good / f"{A}.mp4").unlink()
    (good / "a.webm").rename(good / f"{A}.side.webm")
    ffmpeg(good / f"{B}.r0.mp4", "-i", str(good / f"{B}.mp4"), "-vf", "fps=60", "-crf", "28",
           "-c:v", "libx264")
    (good / f"{B}.mp4").unlink()
    (good / ".hidden.txt").write_text("")
    (good / "folder").mkdir()
    done = []
    assert said(good, progress=lambda at, of: done.append((at, of))) == []
    assert done == [(1, 3), (2, 3), (3, 3)]


def test_everything_about_names_is_said_at_once(good):
    (good / f"{A}.mp4").rename(good / "free_fall-in_range-00000.mp4")
    shutil.copy(good / f"{B}.mp4", good / f"{B}.r0.mp4")
    shutil.copy(good / f"{B}.mp4", good / f"{B}.top.mp4")
    (good / f"{C}.mp4").rename(good / f"{C}.m4v")
    (good / "notes.txt").write_text("")
    (good / "x.y.z.mp4").write_bytes(b"")
    problems = said(good)
    for text in (
        f"error: {A}: has no video; add {A}.side.mp4, or is it free_fall-in_range-00000.mp4?",
        f"error: {C}: has no video; add {C}.side.mp4, or is it {C}.m4v?",
        f"error: {B}: {B}.mp4, {B}.r0.mp4 are all of camera 'side', realization 0; keep one",
        "warning: free_fall-in_range-00000.mp4: the suite has no case "
        f"'free_fall-in_range-00000'; did you mean '{A}'?",
        f"warning: {B}.top.mp4: its camera is 'top', the case is asked from side; it is not used",
        f"warning: {C}.m4v: files .m4v are not read; convert it, for example "
        f"`ffmpeg -i {C}.m4v -crf 12 {C}.mp4`",
        "warning: folder: holds other files, which are not used: notes.txt",
        "warning: x.y.z.mp4: is not named <case id>[.<camera>][.r<k>].mp4; it is not used",
    ):
        assert text in problems
    assert len(problems) == 8
    assert [p.split(":")[0] for p in problems] == ["error"] * 3 + ["warning"] * 5


def test_every_error_fails_its_case_and_only_that(good):
    """What the check calls an error, the model that reads the folder refuses, and nothing else."""
    (good / f"{A}.mp4").unlink()
    content = (good / f"{B}.mp4").read_bytes()
    (good / f"{B}.mp4").write_bytes(content[: len(content) // 2])
    (good / f"{C}.mkv").write_bytes(b"")
    wrong = {p.where.split(".")[0] for p in check_predictions(good, manifest())
             if p.severity is Severity.ERROR}
    assert wrong == {A, B, C}
    model = VideoFolder(good)
    for number, case in enumerate((A, B, C)):
        with pytest.raises(InputError):
            model.rollout(query(case, number))
    (good / f"{C}.mkv").unlink()
    model = VideoFolder(good)
    model.rollout(query(C, 2))
    assert not any(C in str(p) for p in check_predictions(good, manifest()))


def test_files_that_cannot_be_read_or_do_not_fit(good):
    (good / f"{A}.mp4").write_text("not a video")
    write_mp4(good / f"{B}.mp4", scene(1, 30), FPS, scale=4)
    ffmpeg(good / f"{C}.mp4", "-f", "lavfi", "-i", "testsrc=size=64x64:rate=30:duration=2", "-vf",
           "select='not(between(n,20,27))'", "-fps_mode", "vfr", "-c:v", "libx264")
    one, two, three = said(good)
    assert one.startswith(f"error: {A}.mp4: is not a video that can be read: ffmpeg says:")
    assert two == (f"error: {B}.mp4: lasts 1.5 s (30 frames at 20 frames/s), 2 s are needed; "
                   "make it longer")
    assert three.startswith(f"error: {C}.mp4: has a variable frame rate (33.3 to ")


def test_times_and_sizes_that_are_made_to_fit_are_said(good):
    write_mp4(good / f"{A}.mp4", scene(0, 39), FPS, scale=4)
    write_mp4(good / f"{B}.mp4", scene(1, 60), FPS)
    write_mp4(good / f"{C}.mp4", scene(2, 20, speed=1.0), FPS / 2, scale=4)
    wide = scene(0, 39).repeat(2, axis=2)
    problems = said(good)
    assert problems == [
        f"warning: {A}.mp4: lasts 1.95 s, 2 s are needed; its last frame is shown for 1 more",
        f"warning: {B}.mp4: lasts 3 s, only the first 2 s are used",
        f"warning: {C}.mp4: has 10 frames/s, the suite looks 20 times a second; frames are off by "
        "up to 0.05 s, which counts as the model's error",
    ]
    write_mp4(good / f"{A}.mp4", wide, FPS)
    write_mp4(good / f"{B}.mp4", scene(1)[:, ::2, ::2], FPS)
    shapes = said(good, context_of=None)
    assert any(f"{A}.mp4: its picture of 32 rows, 64 columns has another aspect than 32 rows, 32 "
               "columns; 50% of it are cut off" in p for p in shapes)
    assert any(f"{B}.mp4: its picture of 16 rows, 16 columns is smaller" in p for p in shapes)


@pytest.mark.parametrize(("fps", "start"), [(8, "warning"), (30, "error")])
def test_the_right_number_of_frames_at_a_wrong_rate_is_recognised(good, fps, start):
    write_mp4(good / f"{A}.mp4", scene(0), fps, scale=4)
    first = said(good)[0]
    assert first.startswith(f"{start}: {A}.mp4: lasts ")
    assert first.endswith("it has just the 40 frames asked for: if they are 0.05 s apart, write "
                          "the file at 20 frames/s")


def test_realizations(good):
    for number in (0, 1, 3):
        write_mp4(good / f"{A}.r{number}.mp4", scene(0, speed=0.5 + 0.001 * number), FPS, scale=4)
    (good / f"{A}.mp4").unlink()
    for number in range(6):
        shutil.copy(good / f"{B}.mp4", good / f"{B}.r{number}.mp4")
    (good / f"{B}.mp4").unlink()
    problems = said(good, context_of=None)
    names = ", ".join(f"{B}.r{n}.mp4" for n in range(6))
    assert f"warning: {A}: has realizations r0, r1, r3 but not r2; number them from r0 on, or " \
        "add what is lost" in problems
    assert f"warning: {B}: has 6 realizations, the first 4 are used" in problems
    assert f"warning: {B}: all realizations are identical ({names}); a model without chance " \
        "gives one file, without .r<k>" in problems
    assert sum("give every case as many" in p for p in problems) == 2
    (good / f"{B}.r0.mp4").write_bytes((good / f"{C}.mp4").read_bytes())
    again = said(good, context_of=None)
    assert any("5 of 6 realizations are identical" in p for p in again)
    assert any("show the same pictures, though they are of different cases" in p for p in again)


def test_too_few_realizations_everywhere_are_said_once(good):
    for number, case in enumerate((A, B, C)):
        (good / f"{case}.mp4").unlink()
        for r in range(2):
            write_mp4(good / f"{case}.r{r}.mp4", scene(number, speed=0.5 + r / 1000), FPS, scale=4)
    assert said(good) == [
        "warning: folder: has 2 realizations of most cases, the suite asks for 4; intervals of "
        "ensemble scores will be wider"]


def test_cameras_have_to_agree(good):
    two = manifest(*[entry(case, n, cameras=["side", "corner"]) for n, case in enumerate((A, B))])
    write_mp4(good / f"{A}.corner.r1.mp4", scene(0), FPS, scale=4)
    (good / f"{C}.mp4").unlink()
    errors = [p for p in said(good, two) if p.startswith("error")]
    assert errors == [
        f"error: {A}: camera 'side' lacks r1, which another camera has; a realization is seen from "
        "every side",
        f"error: {A}: camera 'corner' lacks r0, which another camera has; a realization is seen "
        "from every side",
        f"error: {B}: has no video of camera 'corner'; add {B}.corner.mp4",
    ]
    unnamed = said(good, manifest(entry(A, 0, cameras=["corner"])))
    assert f"warning: {A}.mp4: without a name its camera is 'side', the case is asked from " \
        "corner; it is not used" in unnamed


@pytest.mark.parametrize(("video", "text"), [
    (scene(0)[1:], "looks shifted by one frame: it begins with the second known frame"),
    (scene(0)[[0, *range(39)]], "looks shifted by one frame: it shows the first known frame twice"),
    (scene(7), "its first frame differs from the first known one by"),
    (scene(0)[[0] * 40], "does not move as the known frames do"),
    (scene(0, speed=1.5), "does not move as the known frames do")])
def test_videos_that_do_not_begin_with_the_context(good, video, text):
    write_mp4(good / f"{A}.mp4", video, FPS, scale=4)
    assert any(p.startswith(f"warning: {A}.mp4: ") and text in p for p in said(good))


def test_nothing_is_read_into_a_context_without_motion():
    still = scene(0)[[0] * 5]
    assert context_problem(scene(0)[:5], still) is None
    assert after_context_problem(still, still) is None
    assert context_problem(scene(0)[:1], scene(0)[:1]) is None


def test_videos_that_begin_after_the_context(good):
    for number, case in enumerate((A, B, C)):
        write_mp4(good / f"{case}.mp4", scene(number)[CONTEXT:], FPS, scale=4)
    hint = 'if it begins after the known frames, put a manifest.json with {"starts": '
    assert all(p.startswith("error") and hint in p for p in said(good))
    (good / "manifest.json").write_text('{"starts": "after_context"}')
    assert said(good) == []
    context = scene(0)[None, :CONTEXT]
    rollout = VideoFolder(good).rollout(query(A, 0, known=(Known("side", context),)))
    shown = rollout["video/side"]["rgb"].values[0, 0].astype(float)
    assert np.abs(shown - scene(0)).mean() < 2
    write_mp4(good / f"{A}.mp4", scene(0), FPS, scale=4)
    write_mp4(good / f"{B}.mp4", scene(7), FPS, scale=4)
    problems = said(good)
    assert any(A in p and "begins with the known frames, though manifest.json" in p
               for p in problems)
    assert any(B in p and "differs from the last known one by" in p for p in problems)


def test_a_wrong_declaration_is_one_problem_among_the_others(good):
    (good / "manifest.json").write_text('{"starts": "soon"}')
    (good / f"{A}.mp4").unlink()
    first, second = said(good)
    assert first.startswith("error: manifest.json: ") and "starts is 'soon'" in first
    assert second.startswith(f"error: {A}: has no video")


def test_an_export_holds_what_it_says_and_its_context_comes_back_to_the_bit(tmp_path):
    entries = [export_case(tmp_path, entry(case, n), {"side": scene(n)[:CONTEXT]})
               for n, case in enumerate((A, B, C))]
    write_manifest(tmp_path, manifest(*entries))
    back = read_manifest(tmp_path)
    assert back == manifest(*entries)
    assert back["cases"][0]["seed"] == 1152921504606846987
    of = exported_context(tmp_path)
    for number, case in enumerate(cases_of(back)):
        np.testing.assert_array_equal(of(case, "side"), scene(number)[:CONTEXT])
        film = read_video(tmp_path / case.context["side"])
        assert film.fps == FPS and film.frames.shape == (CONTEXT, *SIZE, 3)
        assert np.abs(film.frames.astype(float) - scene(number)[:CONTEXT]).mean() < 3
        first = np.asarray(Image.open(tmp_path / case.first_frame["side"]))
        np.testing.assert_array_equal(first, scene(number)[0])
    guide = (tmp_path / "README.md").read_text()
    for text in (f"{A}.side.mp4", "worldsim bench check DIR --export .",
                 "worldsim bench run --model videos:DIR --suite quick-v1",
                 '{"starts": "after_context"}', "3 cases"):
        assert text in guide


def test_the_context_film_plays_everywhere(tmp_path):
    export_case(tmp_path, entry(A, 0), {"side": scene(0)[:CONTEXT]})
    said = subprocess.run([find_ffmpeg(), "-i", str(tmp_path / f"context/{A}.side.mp4")],
                          capture_output=True, text=True, check=False).stderr
    assert "h264 (High)" in said and "yuv420p" in said


def test_an_export_that_does_not_fit_or_is_incomplete_is_refused(tmp_path):
    with pytest.raises(InputError, match="needs a context of camera 'side'"):
        export_case(tmp_path, entry(A, 0), {})
    with pytest.raises(InputError, match=r"has shape \(6, 32, 32, 3\).*give \(5, 32, 32, 3\)"):
        export_case(tmp_path, entry(A, 0), {"side": scene(0)[:6]})
    with pytest.raises(InputError, match=r"holds no manifest.json"):
        read_manifest(tmp_path)
    with pytest.raises(InputError, match="cannot be read: No such file"):
        exported_context(tmp_path)(ExportedCase.from_entry(entry(A, 0)), "side")
    (tmp_path / "manifest.json").write_text('{"format": "worldsim-export/1", "cases": [')
    with pytest.raises(InputError, match="is damaged"):
        read_manifest(tmp_path)


@pytest.mark.parametrize(("change", "message"), [
    ({"format": "other/2"}, "has format 'other/2'"), ({"cases": []}, "has no cases"),
    ({"cases": [entry(A, 0), entry(A, 1)]}, "two cases"),
    ({"cases": [entry("a.b", 0)]}, "without dots"),
    ({"cases": [entry(A, 0, frames=0)]}, "whole numbers of 1 or more"),
    ({"cases": [entry(A, 0, context_frames=40)]}, "leave some to predict"),
    ({"cases": [entry(A, 0, cameras=[])]}, "at least one camera"),
    ({"cases": [{"id": A}]}, "lacks scenario, cameras, size, fps")])
def test_manifests_that_cannot_be_used_are_refused(tmp_path, change, message):
    with pytest.raises(InputError, match=message):
        check_predictions(tmp_path, manifest() | change)
    with pytest.raises(InputError, match=message):
        write_manifest(tmp_path / "export", manifest() | change)
    assert not (tmp_path / "export" / "manifest.json").exists()


def test_a_failed_write_leaves_the_old_manifest(tmp_path):
    write_manifest(tmp_path, manifest())
    with pytest.raises((InputError, ValueError)):
        write_manifest(tmp_path, manifest() | {"more": float("nan")})
    assert json.loads((tmp_path / "manifest.json").read_text()) == manifest()
    assert [p.name for p in sorted(tmp_path.iterdir())] == ["README.md", "manifest.json"]
