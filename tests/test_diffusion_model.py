"""The video diffusion transformer as a world model: checkpoints, queries, long and other shapes."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import warnings

import numpy as np
import pytest
import torch

from worldsim.diffusion.checkpoint import CONFIG, WEIGHTS, ModelConfig
from worldsim.diffusion.conditioning import CLIP_START, ParameterSpec
from worldsim.diffusion.model import VideoDiffusion
from worldsim.diffusion.patches import PatchConfig
from worldsim.diffusion.sampler import SamplerConfig
from worldsim.diffusion.transformer import TransformerConfig
from worldsim.errors import InputError
from worldsim.model_registry import load_model
from worldsim.query import Known, Origin, Query
from worldsim.scenario import scenario_class
from worldsim.world_model import WorldModel

SIZE = (16, 24)
MODEL = ModelConfig(
    transformer=TransformerConfig(patches=PatchConfig(frames=5, patch=8, cell=4), width=32,
                                  layers=1, heads=2, hidden=32, detail=8),
    parameters=(ParameterSpec("wave_height", "m", 2.0, 8.0),
                ParameterSpec("building", choices=("timber", "masonry", "steel", "concrete")),
                ParameterSpec(CLIP_START, "s", 0.0, 2.0)),
    cameras={"overhead": "{}", "street": "{}"}, scenario="tsunami",
    version=scenario_class("tsunami").version, fps=5.0, frames=20, size=SIZE,
    sampler=SamplerConfig(steps=2, overlap=2.0),
)


@pytest.fixture(scope="module")
def model() -> VideoDiffusion:
    torch.manual_seed(0)
    network = MODEL.network()
    torch.nn.init.normal_(network.modulation.weight, std=0.05)
    return VideoDiffusion(MODEL, network.eval(), "0" * 64)


def context(frames: int = 5, cases: int = 1, size=SIZE, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (cases, frames, *size, 3), np.uint8)


def ask(**changes) -> Query:
    standard = {"scenario": "tsunami", "parameters": {"wave_height": np.array([4.0])},
                "known": (Known("overhead", context()),), "cameras": ("overhead", "street"),
                "size": SIZE, "duration": 4.0}
    return Query(**standard | changes)


def video(tree, camera: str = "overhead") -> np.ndarray:
    return tree[f"video/{camera}"]["rgb"].values


def test_it_is_a_world_model_and_keeps_what_is_known(model):
    assert isinstance(model, WorldModel)
    tree = model.rollout(ask(realizations=2))
    assert tree.attrs["kind"] == "generated" and tree.attrs["checkpoint"] == "0" * 64
    assert json.loads(tree.attrs["extrapolates"]) == []
    assert video(tree).shape == (1, 2, 20, *SIZE, 3)
    assert np.array_equal(video(tree)[:, 0, :5], context())
    assert not np.array_equal(video(tree)[0, 0, 5:], video(tree)[0, 1, 5:])
    assert video(tree, "street").std() > 0


def test_a_member_alone_is_the_member_among_others(model):
    together = model.rollout(ask(
        cases=2, realizations=2, known=(Known("overhead", context(cases=2)),),
        parameters={"wave_height": np.array([3.0, 6.0])}, origin=Origin(1, (4, 9))))
    alone = model.rollout(ask(known=(Known("overhead", context(cases=2)[1:]),),
                              parameters={"wave_height": np.array([6.0])}, origin=Origin(1, (9,))))
    assert np.array_equal(video(together)[1:, :1], video(alone))
    assert together["case"].values.tolist() == [4, 9]


def test_the_same_query_gives_the_same_answer_and_another_seed_another(model):
    a, b, c = (model.rollout(ask(seed=seed)) for seed in (0, 0, 1))
    assert np.array_equal(video(a), video(b)) and not np.array_equal(video(a), video(c))


def test_masks_suffixes_and_nothing_at_all_can_be_known(model):
    mask = np.zeros((20, *SIZE), bool)
    mask[7:12, 3:9, 5:20] = True
    pieces = (Known("street", context(20, seed=1), mask=mask), Known("overhead", context(3), 3.4))
    tree = model.rollout(ask(known=pieces))
    assert np.array_equal(video(tree, "street")[0, 0][mask], pieces[0].video[0][mask])
    assert np.array_equal(video(tree)[0, 0, 17:], pieces[1].video[0])
    assert video(model.rollout(ask(known=(), parameters={}))).shape == (1, 1, 20, *SIZE, 3)


@pytest.mark.parametrize("duration", [0.6, 2.0, 4.2, 9.0])
def test_any_duration(model, duration):
    tree = model.rollout(ask(duration=duration, known=(Known("overhead", context(3)),)))
    assert video(tree).shape[2] == round(5 * duration)
    assert np.array_equal(video(tree)[0, :, :3], context(3))


def test_a_longer_rollout_begins_like_the_shorter_one(model):
    short, long = (model.rollout(ask(duration=d)) for d in (4.0, 7.0))
    assert np.array_equal(video(long)[:, :, :20], video(short))


def test_streaming_gives_the_rollout_piece_by_piece(model):
    question = ask(duration=7.0, realizations=2)
    stream, pieces = model.start(question), []
    with pytest.raises(InputError, match="no actions"):
        stream.step(action="push")
    while True:
        try:
            pieces.append(stream.step()["overhead"])
        except StopIteration:
            break
    assert len(pieces) > 1
    assert np.array_equal(np.concatenate(pieces, axis=2), video(model.rollout(question)))


def test_other_sizes_and_rates_are_answered_and_flagged(model):
    with pytest.warns(UserWarning, match="size, fps"):
        tree = model.rollout(ask(size=(20, 27), fps=10.0, duration=1.0,
                                 known=(Known("overhead", context(size=(20, 27))),)))
    assert video(tree).shape == (1, 1, 10, 20, 27, 3)
    assert np.array_equal(video(tree)[0, 0, :5], context(size=(20, 27))[0])
    assert json.loads(tree.attrs["extrapolates"]) == ["size", "fps"]


def test_parameters_outside_the_training_range_are_flagged(model):
    with pytest.warns(UserWarning, match="wave_height"):
        tree = model.rollout(ask(parameters={"wave_height": np.array([11.0])}))
    assert json.loads(tree.attrs["extrapolates"]) == ["wave_height"]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model.rollout(ask(parameters={"wave_height": np.array([8.0])}))


def test_queries_it_cannot_answer(model):
    with pytest.raises(InputError, match="camera 'drone'"):
        model.rollout(ask(cameras=("overhead", "drone")))
    with pytest.raises(InputError, match="not trained with parameter 'street_elevation'"):
        model.rollout(ask(parameters={"street_elevation": np.array([2.0])}))
    with pytest.raises(InputError, match=r"covers 3\.6 to 4\.6 s"):
        model.rollout(ask(known=(Known("overhead", context(), start=3.6),)))


def test_checkpoints_come_back_bit_for_bit(model, tmp_path):
    sha256 = model.save_pretrained(tmp_path / "a")
    loaded = VideoDiffusion.from_pretrained(tmp_path / "a")
    assert loaded.sha256 == sha256
    assert hashlib.sha256((tmp_path / "a" / WEIGHTS).read_bytes()).hexdigest() == sha256
    assert loaded.config == MODEL
    loaded.save_pretrained(tmp_path / "b")
    for name in (WEIGHTS, CONFIG):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
    for name, tensor in loaded.network.state_dict().items():
        assert torch.equal(tensor, model.network.state_dict()[name].bfloat16().float())
    assert np.array_equal(video(load_model(str(tmp_path / "a")).rollout(ask())),
                          video(loaded.rollout(ask())))


def test_unreadable_checkpoints_are_one_line_errors(model, tmp_path):
    def broken(name: str, change) -> str:
        directory = tmp_path / name
        model.save_pretrained(directory)
        change(directory)
        with pytest.raises(InputError) as caught:
            VideoDiffusion.from_pretrained(directory)
        assert "\n" not in str(caught.value)
        return str(caught.value)

    def rewrite(directory, **fields):
        config = json.loads((directory / CONFIG).read_text()) | fields
        (directory / CONFIG).write_text(json.dumps(config))

    half = (tmp_path / "half")
    assert "truncated" in broken(
        "half", lambda d: (d / WEIGHTS).write_bytes((d / WEIGHTS).read_bytes()[:5000]))
    assert half.is_dir()
    assert "missing" in broken("gone", lambda d: (d / WEIGHTS).unlink())
    assert "not a model configuration" in broken("text", lambda d: (d / CONFIG).write_text("{"))
    assert "version 7" in broken("old", lambda d: rewrite(d, version=7))
    assert "format 99" in broken("new", lambda d: rewrite(d, format=99))
    assert "does not fit" in broken("cameras", lambda d: rewrite(d, cameras={"overhead": "{}"}))


def test_sampler_settings_are_a_choice_of_the_caller(model):
    slower = model.with_sampler(steps=4)
    assert slower.config.sampler == dataclasses.replace(MODEL.sampler, steps=4)
    assert not np.array_equal(video(slower.rollout(ask())), video(model.rollout(ask())))
    with pytest.raises(InputError, match="steps=0"):
        model.with_sampler(steps=0)
