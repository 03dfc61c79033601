"""Modes: each declares what is known, the answer keeps it, and the rest is dreamed."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
from tiny_model import BALL, MODEL, WATER, tiny_model

from worldsim import modes
from worldsim.cli import main
from worldsim.diffusion import model as model_module
from worldsim.diffusion.conditioning import ParameterSpec
from worldsim.diffusion.model import VideoDiffusion
from worldsim.diffusion.repertoire import Repertoire
from worldsim.diffusion.sequence import Prediction
from worldsim.errors import InputError
from worldsim.query import KnownStates
from worldsim.scenario import scenario_class

SIZE = (16, 24)


@pytest.fixture(scope="module")
def model():
    return tiny_model()


def film(frames: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (frames, *SIZE, 3), np.uint8)


def answer(model, query) -> np.ndarray:
    return model.rollout(query)[f"video/{query.cameras[0]}/rgb"].values[0, 0]


def same(a: np.ndarray, b: np.ndarray) -> bool:
    return np.array_equal(a, b)


def test_frames_are_continued(model):
    known = film(5)
    got = answer(model, modes.continue_from("free_fall", known, duration=0.75))
    assert len(got) == 15 and same(got[:5], known) and not same(got[5:10], known)


@pytest.mark.parametrize("backward", [False, True])
def test_a_video_is_extended_at_either_end(model, backward):
    known = film(10)
    got = answer(model, modes.extend("free_fall", known, 0.5, backward=backward))
    assert len(got) == 20
    assert same(got[10:] if backward else got[:10], known)
    assert got[:10].std() > 0 and not same(got[:10], got[10:])


def test_two_videos_are_connected_and_a_loop_ends_as_it_begins(model):
    before, after = film(5), film(5, 1)
    got = answer(model, modes.connect("free_fall", before, after, 0.5))
    assert len(got) == 20 and same(got[:5], before) and same(got[15:], after)
    single = answer(model, modes.interpolate("free_fall", before, after, 0.4))
    assert len(single) == 10 and same(single[0], before[-1]) and same(single[-1], after[0])
    around = answer(model, modes.loop("free_fall", before[:1], 0.9))
    assert same(around[0], around[-1]) and not same(around[0], around[10])


def test_a_box_is_inpainted_and_two_videos_are_combined(model):
    first, second = film(10), film(10, 1)
    unknown = np.zeros((10, *SIZE), bool)
    unknown[3:7, 4:12, 6:18] = True
    got = answer(model, modes.inpaint("free_fall", first, unknown))
    assert same(got[~unknown], first[~unknown]) and not same(got[unknown], first[unknown])
    right = np.zeros((10, *SIZE), bool)
    right[:, :, 12:] = True
    mixed = answer(model, modes.combine("free_fall", first, second, right, seam=2))
    assert same(mixed[:, :, :10], first[:, :, :10]) and same(mixed[:, :, 14:], second[:, :, 14:])
    assert not same(mixed[:, :, 10:12], first[:, :, 10:12])
    hard = answer(model, modes.combine("free_fall", first, second, right, seam=0))
    assert same(hard[:, :, 12:], second[:, :, 12:]) and same(hard[:, :, :12], first[:, :, :12])


class Keeps(torch.nn.Module):
    """A network that takes everything for clean as it is."""

    def lawful(self, condition, states, ahead=True):
        return states.numbers

    def forward(self, noisy, level, context, condition, states, stage, grid, mask, paint):
        return Prediction(noisy, states.numbers)


def test_an_edit_stays_nearer_the_less_it_may_change(model):
    draft = film(10)
    keeps = VideoDiffusion(MODEL, Keeps(), "")
    far = [np.abs(answer(keeps, modes.edit("free_fall", draft, s)).astype(int) - draft).mean()
           for s in (0.02, 0.3, 0.9)]
    assert 0 < far[0] < far[1] / 3 < far[2] / 3
    kept = answer(model, modes.edit("free_fall", draft, 0.9, frames=5))
    assert same(kept[:5], draft[:5])


def test_several_shots_are_of_one_event(model):
    query = modes.shots(modes.continue_from("free_fall", film(5), duration=1.0), ["corner"])
    assert query.cameras == ("side", "corner")
    tree = model.rollout(query)
    videos = {c: tree[f"video/{c}/rgb"].values[0, 0] for c in query.cameras}
    cut = modes.cut(videos, [(0.0, "side"), (0.5, "corner")], query.fps)
    assert same(cut[:10], videos["side"][:10]) and same(cut[10:], videos["corner"][10:])
    with pytest.raises(InputError, match="begin at 0 s"):
        modes.cut(videos, [(0.5, "side")], 20.0)
    with pytest.raises(InputError, match="no video of camera 'drone'"):
        modes.cut(videos, [(0.0, "drone")], 20.0)


def test_states_drive_the_video_and_come_back(model):
    states = np.tile([0.1, 0.0, 1.2, 1, 0, 0, 0, 0, 1.0], (1, 20, 1))
    told = KnownStates("body 1", states, half_size=(0.2, 0.2, 0.2))
    tree = model.rollout(modes.from_states("free_fall", [told], duration=1.0))
    said = tree["said"]["state"].values[0, 0, :, 0]
    np.testing.assert_allclose(said, states[0], atol=1e-5)
    elsewhere = dataclasses.replace(told, values=states + np.array([0, 0, 0.5, *[0] * 6]))
    other = modes.from_states("free_fall", [elsewhere], duration=1.0)
    assert not same(tree["video/side/rgb"].values[0, 0], answer(model, other))


def test_states_are_read_off_a_known_video(model):
    tree = model.rollout(modes.read_off("free_fall", film(20)))
    assert same(tree["video/side/rgb"].values[0, 0], film(20))
    assert tree["said"]["state"].shape == (1, 1, 20, 2, 9)


def test_text_tells_what_it_says_and_nothing_else():
    query = modes.from_text("tsunami of wave height 6, concrete", duration=4.0)
    assert query.scenario == "tsunami" and query.text
    assert {n: v.tolist() for n, v in query.parameters.items()} == {
        "wave_height": [6.0], "building": [3.0]}


@pytest.mark.parametrize("build, says", [
    (lambda: modes.continue_from("free_fall", film(5).astype(float)), "uint8"),
    (lambda: modes.from_parameters("free_fall", hight=2), "no parameter 'hight'"),
    (lambda: modes.from_parameters("free_fall", gravity=-3), "physical range"),
    (lambda: modes.inpaint("free_fall", film(5), np.zeros((4, *SIZE), bool)), "the mask has shape"),
    (lambda: modes.edit("free_fall", film(5), 0.0), "strength=0"),
    (lambda: modes.connect("free_fall", {"side": film(5)}, {"corner": film(5)}, 1.0),
     "different cameras"),
    (lambda: modes.combine("free_fall", film(5), film(6), np.zeros((5, *SIZE), bool)),
     "give two alike"),
])
def test_what_cannot_be_asked_is_said(build, says):
    with pytest.raises(InputError, match=says):
        build()


@pytest.fixture
def packaged(monkeypatch):
    """As if the packaged model were a tiny one that can be told all of free fall."""
    specs = tuple(
        ParameterSpec(name, spec.unit, *((0.0, len(spec.choices) - 1.0) if spec.choices
                                         else spec.training),
                      choices=spec.choices)
        for name, spec in scenario_class("free_fall").parameters().items() if spec.seen)
    told = Repertoire((WATER, dataclasses.replace(BALL, parameters=specs)),
                      MODEL.repertoire.cameras)
    config = dataclasses.replace(MODEL, repertoire=told)
    made = model_module.VideoDiffusion(config, config.network().eval(), "0" * 64)
    monkeypatch.setattr(model_module.VideoDiffusion, "from_pretrained", lambda _: made)


ARGUMENTS = ["--seconds", "0.5", "--steps", "1", "--size", *map(str, SIZE), "--set", "count=2"]
"""The tiny model knows two bodies."""


@pytest.mark.parametrize("mode", [
    "parameters", "continue", "extend", "extend-backward", "interpolate", "connect", "inpaint",
    "combine", "edit", "loop", "shots", "states", "read-off", "stream"])
def test_every_mode_is_a_command_that_leaves_a_film_and_a_sheet(packaged, mode, tmp_path, capsys):
    out = tmp_path / "d"
    assert main(["dream", mode, "free_fall", "--out", str(out), *ARGUMENTS]) == 0
    made = {path.name for path in out.iterdir()}
    assert made >= {"dream.mp4", "sheet.png", "run.json"}
    assert ("dream.zarr" in made) == (mode != "stream")
    assert "sheet.png" in capsys.readouterr().out


@pytest.mark.parametrize("args, says", [
    (["continu", "free_fall"], "did you mean continue"),
    (["text", "a cat plays the piano"], "names no scenario"),
    (["continue", "free_fall", "--set", "gravity"], "give NAME=VALUE"),
    (["continue", "free_fall", "--video", "nowhere.mp4"], "is not a file"),
    (["continue", "free_fall", "--seconds", "0"], "--seconds"),
])
def test_wrong_commands_are_one_line_and_write_nothing(packaged, args, says, tmp_path, capsys):
    assert main(["dream", *args, "--out", str(tmp_path / "d")]) == 2
    err = capsys.readouterr().err
    assert says in err.splitlines()[-1]
    assert not (tmp_path / "d").exists()
