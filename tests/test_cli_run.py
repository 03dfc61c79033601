"""`worldsim run`: interrupted, continued, repeated, refused."""

import errno
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from importlib import resources
from pathlib import Path

import pytest

from worldsim.cli import INTERRUPTED, main, preflight, run_stages
from worldsim.cli import run as run_verb
from worldsim.errors import InputError
from worldsim.rollout import open as open_rollout

SMALL = ["run", "tsunami", "--wave-height", "7", "--cases", "1", "--realizations", "2",
         "--duration", "3", "--seed", "5", "--model", "baseline:frozen", "--out"]


def start(out: Path) -> subprocess.Popen:
    return subprocess.Popen([sys.executable, "-m", "worldsim", *SMALL, str(out)],
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                            preexec_fn=_hear_ctrl_c)


def _hear_ctrl_c() -> None:
    """A shell starts background jobs deaf to Ctrl-C, and children inherit that."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="module")
def interrupted(tmp_path_factory):
    """A run that was interrupted once its truth was there: its directory, status and words."""
    out = tmp_path_factory.mktemp("runs") / "a"
    process = start(out)
    while not (out / "truth.zarr").exists():
        assert process.poll() is None, process.communicate()
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=120)
    left = {path.name for path in out.iterdir()}
    return out, process.returncode, err, left


@pytest.fixture(scope="module")
def finished(interrupted):
    """The same directory, continued to its end."""
    out = interrupted[0]
    with open_rollout(out / "truth.zarr") as truth:
        depth = truth["water/depth"].values
    before = os.stat(out / "truth.zarr").st_ctime_ns
    done = start(out)
    printed, err = done.communicate(timeout=300)
    assert done.returncode == 0, err
    return out, printed, err, depth, before


def test_ctrl_c_is_one_line_and_exit_130(interrupted):
    _, status, err, _ = interrupted
    assert status == INTERRUPTED
    assert err.splitlines()[-1].startswith("worldsim: interrupted")
    assert "Traceback" not in err


def test_what_was_finished_before_ctrl_c_is_readable_and_nothing_half_written(interrupted):
    _, _, _, left = interrupted
    assert left == {"run.json", "truth.zarr"}


def test_the_same_command_continues(finished):
    out, printed, err, depth, _ = finished
    assert "simulate tsunami: done before" in err
    with open_rollout(out / "truth.zarr") as truth:
        assert (truth["water/depth"].values == depth).all()
    assert str(out / "report.html") in printed.splitlines()[-1]


def test_a_run_directory_holds_what_is_promised(finished):
    out = finished[0]
    assert {path.name for path in out.iterdir()} == {
        "run.json", "truth.zarr", "truth_outcomes.nc", "dream.zarr", "dream_outcomes.nc",
        "scores.nc", "scores.json", "truth.mp4", "dream.mp4", "videos", "stills", "report.html"}
    with open_rollout(out / "truth.zarr") as truth, open_rollout(out / "dream.zarr") as dream:
        assert truth.attrs["kind"] == "simulated" and dream.attrs["kind"] == "generated"
        for tree in (truth, dream):
            for camera in ("overhead", "street"):
                assert tree[f"video/{camera}/rgb"].shape == (1, 2, 15, 64, 96, 3)
    scores = json.loads((out / "scores.json").read_text())
    assert set(scores["scores"][0]["baselines"]) == set(run_verb.BASELINES)


def test_a_complete_run_is_named_and_left_alone(finished, capsys):
    out = finished[0]
    before = {path: path.stat().st_mtime_ns for path in out.rglob("*") if path.is_file()}
    assert main([*SMALL, str(out)]) == 0
    assert str(out / "report.html") in capsys.readouterr().out.splitlines()[-1]
    assert {p: p.stat().st_mtime_ns for p in out.rglob("*") if p.is_file()} == before


def test_another_definition_is_refused_and_nothing_touched(finished, capsys):
    out = finished[0]
    before = {path: path.stat().st_mtime_ns for path in out.rglob("*") if path.is_file()}
    other = ["8" if arg == "7" else arg for arg in SMALL]
    assert main([*other, str(out)]) == 2
    err = capsys.readouterr().err
    assert "wave_height 7.0 there, 8.0 here" in err and err.count("\n") == 1
    assert {p: p.stat().st_mtime_ns for p in out.rglob("*") if p.is_file()} == before


def test_a_lost_output_is_made_again_and_comes_out_the_same(finished):
    out = finished[0]
    before = {name: (out / name).read_bytes() for name in ("scores.json", "report.html")}
    for name in before:
        (out / name).unlink()
    assert main([*SMALL, str(out)]) == 0
    for name, content in before.items():
        assert (out / name).read_bytes() == content


@pytest.mark.slow
def test_the_same_seed_gives_the_same_scores_from_scratch(finished, tmp_path, monkeypatch):
    # Pictures for people's eyes take most of the time and enter no score.
    for name in ("film_truth", "film_dream"):
        monkeypatch.setattr(run_stages.films, name, lambda *_: None)
    monkeypatch.setattr(run_stages, "write_report_page", lambda _: None)
    assert main([*SMALL, str(tmp_path / "b")]) == 0
    assert (tmp_path / "b" / "scores.json").read_bytes() == (
        finished[0] / "scores.json").read_bytes()


def test_show_and_cite_and_report_tell_of_the_run(finished, capsys):
    out = finished[0]
    assert main(["show", str(out)]) == 0
    shown = capsys.readouterr().out
    assert "wave_height 7.0" in shown and "stale" not in shown
    assert "0 of 2 members failed" in shown and "audit       mass " in shown
    assert "outcome     Of " in shown and "2 simulated outcomes" in shown
    assert f"worldsim {' '.join(SMALL)} {out}" in shown
    assert main(["cite", str(out)]) == 0
    assert "@inproceedings{todorov2012mujoco" in capsys.readouterr().out
    assert main(["report", str(out)]) == 0
    assert "report.html" in capsys.readouterr().out


def test_show_says_what_is_stale(finished, tmp_path, capsys):
    record = json.loads((finished[0] / "run.json").read_text())
    record["versions"]["mujoco"] = "3.9.9"
    record["definition"]["seed"] = 6
    (tmp_path / "run.json").write_text(json.dumps(record))
    assert main(["show", str(tmp_path)]) == 0
    shown = capsys.readouterr().out
    assert "was 3.9.9" in shown and "run.json was edited" in shown


@pytest.fixture
def no_simulation(monkeypatch):
    def simulate(*_, **__):
        raise AssertionError("it simulated before it refused")

    monkeypatch.setattr(run_stages, "simulate", simulate)


def refused(capsys, out: Path, *args: str) -> str:
    assert main([*SMALL, str(out), *args]) == 2
    err = capsys.readouterr().err
    assert err.startswith("worldsim: ") and err.count("\n") == 1
    return err


def test_without_ffmpeg_it_refuses_before_simulating(tmp_path, monkeypatch, capsys, no_simulation):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setitem(sys.modules, "imageio_ffmpeg", None)
    err = refused(capsys, tmp_path / "a")
    assert "ffmpeg" in err and "install" in err
    assert not (tmp_path / "a").exists()


def test_a_disk_without_room_is_refused_before_simulating(tmp_path, monkeypatch, capsys,
                                                          no_simulation):
    usage = shutil.disk_usage(tmp_path)._replace(free=1000)
    monkeypatch.setattr(preflight.shutil, "disk_usage", lambda _: usage)
    assert "GB free" in refused(capsys, tmp_path / "a")
    assert not (tmp_path / "a").exists()


def test_a_disk_that_fills_up_is_one_line_and_leaves_nothing_behind(tmp_path, monkeypatch, capsys):
    def save(tree, path):
        path.mkdir()
        (path / "zarr.json").write_text("{")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))

    monkeypatch.setattr(run_stages, "simulate", lambda *_, **__: None)
    monkeypatch.setattr(run_stages, "failed_members", lambda _: [])
    monkeypatch.setattr(run_stages, "save", save)
    assert main([*SMALL, str(tmp_path / "a")]) == 2
    assert "No space left" in capsys.readouterr().err.splitlines()[-1]
    assert not (tmp_path / "a").exists()


def test_an_unreadable_checkpoint_is_refused_before_simulating(tmp_path, capsys, no_simulation):
    copy = tmp_path / "checkpoint"
    packaged = resources.files("worldsim") / "checkpoints" / "worldsim-small"
    shutil.copytree(str(packaged), copy)
    weights = copy / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:1000])
    assert "model.safetensors" in refused(capsys, tmp_path / "a", "--model", str(copy))
    assert not (tmp_path / "a").exists()


def test_foreign_files_are_refused_before_simulating(tmp_path, capsys, no_simulation):
    (tmp_path / "thesis.tex").write_text("")
    assert "thesis.tex" in refused(capsys, tmp_path)


def test_a_duration_that_is_not_a_whole_number_of_frames_is_refused(tmp_path, capsys,
                                                                    no_simulation):
    assert "multiple" in refused(capsys, tmp_path / "a", "--duration", "2.15")


def test_duration_out_of_range_says_the_range():
    from worldsim.scenario import make

    with pytest.raises(InputError, match="2 to 12 s"):
        preflight.check_duration(make("tsunami"), 60.0, least=2.0)


def test_a_scenario_that_the_model_does_not_know_is_refused_before_any_work(tmp_path, capsys):
    out = tmp_path / "town"
    assert main(["run", "town", "--duration", "3", "--out", str(out)]) == 2
    said = capsys.readouterr().err
    assert "'tsunami'" in said and "not on 'town'" in said
    assert "worldsim simulate town" in said
    assert not out.exists()
