"""`worldsim train` leaves a checkpoint that `worldsim run` can use, and resumes."""

import dataclasses
import json

import numpy as np
import pytest
from synthetic_clips import synthetic_video

from worldsim import query, render, simulate
from worldsim.cli import main, train
from worldsim.diffusion import presets
from worldsim.diffusion.clip_factory import generate_clips
from worldsim.diffusion.clip_files import write_case
from worldsim.diffusion.clips import ClipManifest
from worldsim.diffusion.layers import TransformerConfig
from worldsim.diffusion.training_clips import BatchConfig
from worldsim.errors import InputError
from worldsim.model_registry import load_model
from worldsim.scenario import scenario_class
from worldsim.splits import Purpose, Split, draw, seed_for

CASES = 3

VALIDATION = train.physical_validation
"""As it is, without what `smallest` puts in its place."""


@pytest.fixture
def clips(tmp_path):
    """Stored clips as simulation would leave them, but drawn by hand."""
    cls = scenario_class("tsunami")
    cameras = cls().scene(0, 0).cameras
    views = {name: cameras[name] for name in ("overhead", "street")}
    manifest = ClipManifest("tsunami", cls.version, 0, {n: v.to_json() for n, v in views.items()},
                            size=(32, 48))
    folder = tmp_path / "clips"
    manifest.write(folder)
    rng = np.random.default_rng(0)
    for case in range(CASES):
        video = synthetic_video(rng, 0.05, manifest.frames, manifest.size)
        write_case(folder, case, draw(cls, Split.IN_RANGE, 0, case).codes(),
                   dict(zip(views, video, strict=True)))
    return folder


@pytest.fixture
def smallest(monkeypatch):
    """A network that trains in seconds, and no simulations to validate on."""
    config = dataclasses.replace(
        presets.tiny(), compiled=False, steps=3, precision="float32",
        batch=BatchConfig(tokens=512, frames=20, town_frames=20),
        transformer=TransformerConfig(width=32, layers=1, hidden=32, detail=16))
    monkeypatch.setitem(presets.PRESETS, "tiny", lambda: config)
    monkeypatch.setattr(train, "physical_validation", lambda *_: lambda model: {"error [m]": 1.0})
    return config


@pytest.mark.slow
def test_training_leaves_a_checkpoint_and_resumes(clips, smallest, tmp_path, capsys, monkeypatch):
    out = tmp_path / "trained"
    command = ["train", "--cases", str(CASES), "--clips", str(clips), "--out", str(out)]
    assert main(command) == 0
    printed = capsys.readouterr().out
    assert f"worldsim run tsunami --model {out}" in printed
    model = load_model(str(out))
    assert model.capabilities.scenarios == ("tsunami",)
    assert "error [m]" in (out / "metrics.jsonl").read_text()
    assert (out / "training_summary.npz").exists()

    assert main(command) == 2
    assert "--resume" in capsys.readouterr().err

    monkeypatch.setitem(presets.PRESETS, "tiny", lambda: dataclasses.replace(smallest, steps=5))
    assert main([*command, "--resume"]) == 0
    assert load_model(str(out)).sha256 != model.sha256


@pytest.mark.parametrize("args, expected", [
    (["--out", "a", "--cases", "1"], "--cases 1"),
    (["--out", "a", "--minutes", "0"], "--minutes 0"),
    (["--out", "a", "--workers", "0"], "--workers 0"),
    (["--out", "a", "--seed", "-1"], "--seed -1"),
    (["--out", "a", "--unfilmed", "-1"], "--unfilmed -1"),
    (["--out", "a", "--paths", "1.5"], "--paths 1.5"),
    (["--out", "a", "--paths", "0.7", "--readings", "0.4"], "together at most 1"),
    (["--out", "a", "--tokens", "0"], "--tokens 0"),
    (["--out", "a", "--learning-rate", "0"], "--learning-rate 0"),
    (["--out", "a", "--preset", "smal"], "did you mean small"),
    (["--out", "a", "--apart"], "--init worldsim-small"),
    (["--out", "a", "--apart", "--init", "nothing"], "is not a checkpoint"),
    (["--out", "a", "--scenario", "tsunamy"], "tsunami"),
    (["--out", "a", "--scenario", "pendulum,pendulum"], "named twice"),
    (["--preset", "tiny"], "--out"),
    (["--out", "."], "thesis.tex"),
])
def test_bad_input_is_one_line_and_writes_nothing(args, expected, tmp_path, monkeypatch, capsys):
    (tmp_path / "thesis.tex").write_text("")
    monkeypatch.chdir(tmp_path)
    assert main(["train", *args]) == 2
    err = capsys.readouterr().err
    assert err.count("\n") == 1 and expected in err
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


def test_a_scenario_of_bodies_is_trained_on_with_its_own_views(smallest, tmp_path, capsys,
                                                               monkeypatch):
    out = tmp_path / "trained"
    command = ["train", "--scenario", "free_fall", "--cases", "2", "--workers", "1", "--out"]
    assert main([*command, str(out)]) == 0
    captured = capsys.readouterr()
    assert "4 clips of 2 cases" in captured.err and "load_model" in captured.out
    cls = scenario_class("free_fall")
    model = load_model(str(out))
    subject = model.config.repertoire.subject("free_fall")
    assert (subject.size, subject.fps) == (cls.size, cls.fps)
    assert tuple(subject.cameras) == cls.film_cameras
    assert subject.entities[0].name == "body 1"
    truth = simulate(cls(), duration=1.5, seed=9)
    dream = model.with_sampler(steps=2).rollout(query(cls(), context=truth, frames=10))
    for camera in cls.film_cameras:
        given = render(truth, camera, size=cls.size, fps=cls.fps)["rgb"].values[0, 0]
        seen = dream[f"video/{camera}/rgb"].values[0, 0]
        assert seen.shape == given.shape and np.array_equal(seen[:10], given[:10])
        assert not np.array_equal(seen[10:], given[10:])
    with pytest.raises(InputError, match="trained on 'free_fall', not on 'pendulum'"):
        model.rollout(query(scenario_class("pendulum")(), cameras=cls.film_cameras))


def test_a_further_scenario_is_learned_beside_what_a_network_knows(smallest, tmp_path, monkeypatch,
                                                                   capsys):
    first, second = tmp_path / "first", tmp_path / "second"
    command = ["train", "--cases", "2", "--workers", "1", "--scenario"]
    assert main([*command, "free_fall", "--out", str(first)]) == 0
    larger = dataclasses.replace(smallest.transformer, layers=2)
    monkeypatch.setitem(presets.PRESETS, "tiny",
                        lambda: dataclasses.replace(smallest, transformer=larger))
    beside = ["pendulum", "--init", str(first), "--apart", "--out", str(second)]
    assert main([*command, *beside]) == 0
    before, after = load_model(str(first)), load_model(str(second))
    assert after.capabilities.scenarios == ("free_fall", "pendulum")
    assert after.config.transformer == before.config.transformer == smallest.transformer
    asked = query(scenario_class("free_fall")(), cameras=("side",), duration=0.5)
    answers = [model.rollout(asked)["video/side/rgb"].values for model in (before, after)]
    assert np.array_equal(*answers)
    assert main([*command, *beside]) == 2, "it holds a training"
    capsys.readouterr()
    monkeypatch.setitem(presets.PRESETS, "tiny", lambda: dataclasses.replace(smallest, steps=5))
    assert main([*command, *beside, "--resume"]) == 0
    assert load_model(str(second)).sha256 != after.sha256


def test_one_network_learns_from_several_scenarios(smallest, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(train, "VALIDATION_CASES", 1)
    monkeypatch.setattr(train, "physical_validation", VALIDATION)
    out = tmp_path / "trained"
    assert main(["train", "--scenario", "free_fall,pendulum", "--cases", "2", "--workers", "1",
                 "--out", str(out)]) == 0
    model = load_model(str(out))
    assert model.capabilities.scenarios == ("free_fall", "pendulum")
    for name in model.capabilities.scenarios:
        cls = scenario_class(name)
        asked = query(cls(), cameras=cls.film_cameras[:1], duration=0.5)
        assert model.with_sampler(steps=1).rollout(asked)["video/side/rgb"].shape[2] == 10
    errors = json.loads((out / "metrics.jsonl").read_text().splitlines()[-1])["validation"]
    assert errors["free_fall position [m]"] > 0 and errors["pendulum position [m]"] > 0
    assert sorted(path.name for path in (out / "clips").iterdir()) == ["free_fall", "pendulum"]


def test_states_without_films_are_learned_from_too(smallest, tmp_path, capsys):
    out = tmp_path / "trained"
    command = ["train", "--scenario", "free_fall", "--cases", "2", "--unfilmed", "3", "--workers",
               "1", "--paths", "1", "--readings", "0", "--learning-rate", "1e-4", "--decay", "0",
               "--tokens", "256", "--out", str(out)]
    assert main(command) == 0
    assert "simulate 3 unfilmed cases of free_fall" in capsys.readouterr().err
    account = load_model(str(out)).config.training
    assert account["cases"] == 1 + 3, "one of the filmed cases only validates"
    assert len(list((out / "clips" / "unfilmed" / "free_fall").glob("case_*"))) == 3
    points = [json.loads(line) for line in (out / "metrics.jsonl").read_text().splitlines()]
    assert all(point["pixels"] == 0 for point in points if "pixels" in point)


def test_clips_that_training_must_not_see_are_refused(smallest, tmp_path, capsys):
    folder = tmp_path / "clips"
    seed = seed_for(Purpose.TEST, 0)
    list(generate_clips(folder, "free_fall", [0, 1], split=Split.OUTSIDE, seed=seed, workers=1,
                        duration=0.5, size=(16, 16)))
    for scenario, expected in (("free_fall", "split 'outside'"), ("pendulum", "of 'free_fall'")):
        assert main(["train", "--scenario", scenario, "--cases", "2", "--clips", str(folder),
                     "--out", str(tmp_path / "out")]) == 2
        assert expected in capsys.readouterr().err.splitlines()[-1]
