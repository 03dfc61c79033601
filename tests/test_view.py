"""`worldsim view`: sheets show the frames they claim to, at the times they claim, or refuse."""

import numpy as np
import pytest
from PIL import Image

from worldsim import make, render, save, simulate
from worldsim.camera.contact_sheet import LINE, Strip, contact_sheet, evenly
from worldsim.cli import main
from worldsim.diffusion.clip_factory import generate_clips
from worldsim.errors import InputError
from worldsim.splits import Purpose, seed_for
from worldsim.video_file import write_mp4


def holds(sheet, frame):
    """Whether a picture contains another, pixel by pixel."""
    rows, columns = frame.shape[:2]
    first = np.argwhere((sheet == frame[0, 0]).all(-1))
    return any(
        np.array_equal(sheet[y:y + rows, x:x + columns], frame) for y, x in first
        if y + rows <= len(sheet) and x + columns <= sheet.shape[1]
    )


def read(path):
    return np.asarray(Image.open(path).convert("RGB"))


@pytest.fixture(scope="module")
def truth():
    return simulate(make("free_fall"), cases=2, seed=3, duration=1.0)


def test_frames_stand_in_order_below_their_times_and_small_ones_are_enlarged():
    rng = np.random.default_rng(0)
    frames = rng.integers(0, 256, (3, 20, 30, 3), np.uint8)
    sheet = contact_sheet("a title", [Strip("side", frames, (0.0, 0.5, 1.0), "case 0: x 1 m")])
    places = []
    for frame in frames:
        large = frame.repeat(5, 0).repeat(5, 1)  # 20 rows become 100, the least is 96
        at = [(y, x) for y, x in np.argwhere((sheet == large[0, 0]).all(-1))
              if np.array_equal(sheet[y:y + 100, x:x + 150], large)]
        assert len(at) == 1
        places.append(at[0])
    assert len({y for y, _ in places}) == 1 and sorted(places, key=lambda p: p[1]) == places
    y, x = places[1]
    above = sheet[y - LINE:y, x:x + 60]
    assert (above < 128).any(), "the time is written above the frame"
    longer = contact_sheet("a title", [Strip("side", frames, (0.0, 0.5, 1.0), "word " * 200)])
    assert longer.shape[1] == sheet.shape[1] and longer.shape[0] > sheet.shape[0] + 5 * LINE


def test_evenly_spaced_frames_hold_both_ends():
    assert evenly(4, 10).tolist() == [0, 3, 6, 9]
    assert evenly(7, 3).tolist() == [0, 1, 2] and evenly(3, 1).tolist() == [0]


def test_a_rollout_is_rendered_at_the_times_written(truth, tmp_path):
    save(truth, tmp_path / "a.zarr")
    out = tmp_path / "sheet.png"
    assert main(["view", str(tmp_path / "a.zarr"), "--frames", "3", "--rows", "96", "--cases", "1",
                 "--cameras", "corner", "--out", str(out)]) == 0
    film = render(truth, "corner", size=(96, 96), times=[0.0, 0.5, 1.0])["rgb"].values[:, 0]
    sheet = read(out)
    assert all(holds(sheet, frame) for frame in film[0])
    assert not holds(sheet, film[1, 0])


def test_a_scenario_is_simulated_for_its_sheet(truth, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["view", "free_fall", "--seed", "3", "--cases", "2", "--frames", "2"]) == 0
    assert "free_fall.png" in capsys.readouterr().out
    sheet = read("free_fall.png")
    for camera in ("side", "corner"):
        first = render(truth, camera, size=(128, 128), times=[0.0])["rgb"].values[:, 0, 0]
        assert all(holds(sheet, frame) for frame in first)


def test_clips_and_videos_are_shown_as_they_are(tmp_path):
    list(generate_clips(tmp_path / "clips", "free_fall", [0], seed=seed_for(Purpose.TRAINING, 0),
                        workers=1, duration=0.5, size=(48, 48)))
    assert main(["view", str(tmp_path / "clips"), "--out", str(tmp_path / "c.png")]) == 0
    assert read(tmp_path / "c.png").shape[0] > 2 * 96
    rng = np.random.default_rng(0)
    video = rng.integers(0, 256, (9, 12, 16, 3), np.uint8).repeat(8, 1).repeat(8, 2)
    write_mp4(tmp_path / "v.mp4", video, fps=4)
    assert main(["view", str(tmp_path / "v.mp4"), "--frames", "9",
                 "--out", str(tmp_path / "v.png")]) == 0
    assert read(tmp_path / "v.png").shape[1] > 9 * 128


@pytest.mark.parametrize("args, expected", [
    ([], "name what to show"),
    (["fre_fall"], "worldsim view free_fall"),
    (["missing.mp4"], "does not exist"),
    (["."], "holds no truth.zarr"),
    (["thesis.tex"], "thesis.tex"),
    (["free_fall", "--cameras", "sid"], "there are side, corner"),
    (["free_fall", "--frames", "0"], "--frames 0: give 1 to"),
    (["free_fall", "--cases", "1000"], "--cases 1000: give 1 to"),
    (["free_fall", "--out", "sheet.pdf"], "ends in .png"),
    (["free_fall", "--hight", "2"], "did you mean --height"),
    (["free_fall", "--split", "outside", "--height", "2.5"], "leave --height away"),
])
def test_bad_input_is_one_line_and_writes_nothing(args, expected, tmp_path, monkeypatch, capsys):
    (tmp_path / "thesis.tex").write_text("no video")
    monkeypatch.chdir(tmp_path)
    assert main(["view", *args]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and expected in said
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


def test_strips_that_mean_nothing_are_refused():
    with pytest.raises(InputError, match="2 times for 3 frames"):
        Strip("a", np.zeros((3, 4, 4, 3), np.uint8), (0.0, 1.0))
    with pytest.raises(InputError, match="one strip"):
        contact_sheet("empty", [])
