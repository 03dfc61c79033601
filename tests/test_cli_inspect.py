"""`worldsim inspect`: lines for people, JSON for programs, refusals in one line."""

import json

import numpy as np
import pytest

from worldsim.cli import main
from worldsim.video_file import write_mp4


@pytest.fixture(scope="module")
def films(tmp_path_factory):
    """A disc on a parabola, and the same one that jumps, as mp4 files."""
    folder = tmp_path_factory.mktemp("films")
    row, column = np.mgrid[:64, :64] + 0.5
    time = np.arange(40)
    paths = {}
    for name, jump in (("true", 0.0), ("jumps", 9.0)):
        place = np.stack([50 - 2.0 * time + 0.05 * time**2, 8 + 1.2 * time], axis=-1)
        place[20:, 0] += jump
        away = np.hypot(row - place[:, 0, None, None], column - place[:, 1, None, None])
        share = np.clip(4.5 - away, 0, 1)[..., None]
        frames = share * np.array([214, 40, 40]) + (1 - share) * 150.0
        paths[name] = write_mp4(folder / f"{name}.mp4", frames.round().astype(np.uint8), 20)
    return paths


def test_a_true_video_breaks_nothing(films, capsys):
    assert main(["inspect", str(films["true"])]) == 0
    said = capsys.readouterr().out
    assert "nothing that breaks physics" in said and "1 object followed" in said
    assert "gravity" in said  # what was not looked for


def test_a_violation_is_told_in_lines_of_80_columns(films, capsys):
    assert main(["inspect", str(films["jumps"])]) == 0
    said = capsys.readouterr().out
    assert "1 violation of physics" in said and "teleport: object 0 (red)" in said
    assert max(map(len, said.splitlines())) <= 80


def test_the_same_as_json(films, capsys):
    assert main(["inspect", str(films["jumps"]), "--json"]) == 0
    table = json.loads(capsys.readouterr().out)
    (one,) = table["findings"]
    assert (table["frames"], table["fps"], table["objects"]) == (40, 20.0, 1)
    assert one["kind"] == "teleport" and abs(one["frame"] - 19.5) <= 1
    assert one["time"] == pytest.approx(one["frame"] / 20) and 0 < one["sure"] < 1


def test_a_scenario_is_told_with_its_parameters(films, capsys):
    assert main(["inspect", str(films["true"]), "--scenario", "pendulum", "--gravity", "9",
                 "--camera", "side"]) == 0
    assert "nothing falls freely" in " ".join(capsys.readouterr().out.split())


@pytest.mark.parametrize("args, said", [
    ([], "VIDEO"),
    (["no.mp4"], "no.mp4 does not exist"),
    (["no.mp4", "--scenario", "free_fal"], "did you mean 'free_fall'"),
    (["no.mp4", "--scenario"], "name one"),
    (["no.mp4", "--camera", "side"], "--scenario"),
    (["no.mp4", "--scenario", "free_fall", "--gravty", "9"], "did you mean --gravity"),
])
def test_refusals_name_what_to_change(args, said, capsys):
    assert main(["inspect", *args]) == 2
    error = capsys.readouterr().err
    assert said in error and error.count("\n") == 1


def test_a_camera_that_is_not_there_is_refused(films, capsys):
    assert main(["inspect", str(films["true"]), "--scenario", "free_fall", "--camera", "top"]) == 2
    assert "it has side, corner" in capsys.readouterr().err


def test_a_file_that_is_no_video_is_refused(tmp_path, capsys):
    path = tmp_path / "text.mp4"
    path.write_text("not a video")
    assert main(["inspect", str(path)]) == 2
    assert "not a video" in capsys.readouterr().err
