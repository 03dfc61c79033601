"""The video diffusion transformer as a world model: checkpoints, queries, long and other shapes."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import warnings

import numpy as np
import pytest
import torch
from tiny_model import MODEL, SIZE, tiny_model

from worldsim.diffusion.checkpoint import CONFIG, FINE, LAWS, WEIGHTS, file_of_expert
from worldsim.diffusion.model import VideoDiffusion
from worldsim.diffusion.sequence import Prediction
from worldsim.errors import InputError
from worldsim.model_registry import load_model
from worldsim.query import Draft, Known, KnownStates, Origin, Query
from worldsim.world_model import WorldModel

PARTS = (WEIGHTS, LAWS, file_of_expert(1))
"""Files of the weights."""


@pytest.fixture(scope="module")
def model() -> VideoDiffusion:
    return tiny_model()


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
    for camera in ("drone", "side"):
        with pytest.raises(InputError, match=f"'tsunami' from overhead, street, not .*'{camera}'"):
            model.rollout(ask(cameras=("overhead", camera)))
    with pytest.raises(InputError, match="'tsunami', 'free_fall', not on 'pendulum'"):
        model.rollout(Query("pendulum", {}, cameras=("side",), size=SIZE, duration=1.0))
    with pytest.raises(InputError, match="not trained with parameter 'street_elevation'"):
        model.rollout(ask(parameters={"street_elevation": np.array([2.0])}))
    with pytest.raises(InputError, match=r"covers 3\.6 to 4\.6 s"):
        model.rollout(ask(known=(Known("overhead", context(), start=3.6),)))


def test_checkpoints_come_back_bit_for_bit(model, tmp_path):
    sha256 = model.save_pretrained(tmp_path / "a")
    loaded = VideoDiffusion.from_pretrained(tmp_path / "a")
    assert loaded.sha256 == sha256
    parts = [(tmp_path / "a" / name).read_bytes() for name in PARTS]
    assert hashlib.sha256(b"".join(parts)).hexdigest() == sha256
    assert loaded.config == MODEL
    guided = model.with_sampler(guided=(("wave_height", 1.5),), causal=True)
    guided.save_pretrained(tmp_path / "guided")
    assert VideoDiffusion.from_pretrained(tmp_path / "guided").config == guided.config
    loaded.save_pretrained(tmp_path / "b")
    for name in (*PARTS, CONFIG):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
    for name, tensor in loaded.network.state_dict().items():
        kept = model.network.state_dict()[name]
        stored = kept.half() if name.startswith(FINE) else kept.bfloat16()
        assert torch.equal(tensor, stored.float())
    assert np.array_equal(video(load_model(str(tmp_path / "a")).rollout(ask())),
                          video(loaded.rollout(ask())))


def test_a_compact_expert_keeps_its_matrices_to_a_254th_of_the_largest_number(model, tmp_path):
    sha256 = model.save_pretrained(tmp_path / "whole")
    assert model.save_pretrained(tmp_path / "compact", compact=(1,)) != sha256
    kept, smaller = ([(tmp_path / name / part).read_bytes() for part in PARTS]
                     for name in ("whole", "compact"))
    assert kept[:2] == smaller[:2] and len(smaller[2]) < len(kept[2])
    loaded = VideoDiffusion.from_pretrained(tmp_path / "compact").network.state_dict()
    whole = VideoDiffusion.from_pretrained(tmp_path / "whole").network.state_dict()
    rounded = 0
    for name, before in model.network.state_dict().items():
        if name.startswith("experts.1.blocks.") and before.ndim == 2:
            step = before.abs().amax(1, keepdim=True) / 127
            assert ((loaded[name] - before).abs() <= 0.5001 * step).all()
            rounded += before.numel()
        else:
            assert torch.equal(loaded[name], whole[name])
    assert rounded > 1000
    again = VideoDiffusion.from_pretrained(tmp_path / "compact")
    again.save_pretrained(tmp_path / "twice", compact=(1,))
    assert [(tmp_path / "twice" / part).read_bytes() for part in PARTS] == smaller


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
    for name in PARTS:
        assert f"{name} is missing" in broken(f"gone {name}", lambda d, n=name: (d / n).unlink())
    assert "not a model configuration" in broken("text", lambda d: (d / CONFIG).write_text("{"))
    known = json.loads(MODEL.to_json())["repertoire"]
    old = [known["subjects"][0] | {"version": 7}, *known["subjects"][1:]]
    assert "tsunami version 7" in broken(
        "old", lambda d: rewrite(d, repertoire=known | {"subjects": old}))
    assert "format 99" in broken("new", lambda d: rewrite(d, format=99))
    assert "format 9 is read" in broken("none", lambda d: rewrite(d, format=None))
    assert "does not fit" in broken(
        "cameras", lambda d: rewrite(d, repertoire=known | {"cameras": ["overhead"]}))


def test_sampler_settings_are_a_choice_of_the_caller(model):
    slower = model.with_sampler(steps=4)
    assert slower.config.samplers == tuple(
        dataclasses.replace(one, steps=4) for one in MODEL.samplers)
    assert not np.array_equal(video(slower.rollout(ask())), video(model.rollout(ask())))
    with pytest.raises(InputError, match="steps=0"):
        model.with_sampler(steps=0)


def test_guidance_of_one_parameter(model):
    def guided(*settings, **changes):
        return video(model.with_sampler(guided=settings, **changes).rollout(ask()))

    plain = video(model.rollout(ask()))
    assert np.array_equal(guided(("wave_height", 1.0)), plain)
    assert not np.array_equal(guided(("wave_height", 3.0)), plain)
    assert np.array_equal(guided(("building", 3.0)), plain), "it was not told"
    numbers = [model.with_sampler(guided=(("wave_height", weight),)).rollout(ask())["said"][
        "state"].values for weight in (1.0, 3.0)]
    assert np.array_equal(numbers[0], model.rollout(ask())["said"]["state"].values)
    assert not np.array_equal(*numbers)
    told = ask(parameters={"wave_height": np.array([4.0]), "building": np.array([1.0])})
    each = [video(model.with_sampler(guided=((name, 3.0),)).rollout(told))
            for name in ("wave_height", "building")]
    assert not np.array_equal(*each)
    start = ("clip_start", 1.0)
    assert np.array_equal(guided(("wave_height", 3.0), start), guided(("wave_height", 3.0)))
    with pytest.raises(InputError, match="guidance of 'wave_hight': 'tsunami' has wave_height"):
        guided(("wave_hight", 2.0))


def drafted(strength: float, seed: int = 7) -> Draft:
    """A draft of the standard query."""
    return Draft({camera: context(20, seed=seed + view)
                  for view, camera in enumerate(("overhead", "street"))}, strength)


class Faithful(torch.nn.Module):
    """Takes what it is shown for clean, and notes at which levels it is asked."""

    def __init__(self, network) -> None:
        super().__init__()
        self.entity, self.levels = network.entity, []

    def lawful(self, condition, states, ahead=True):
        return states.numbers

    def forward(self, noisy, level, context, condition, states, stage, grid, mask, paint):
        self.levels.append((float(level.min()), float(states.level.min())))
        return Prediction(noisy, states.numbers)


def test_a_draft_is_kept_but_for_its_strength(model):
    none = video(model.rollout(ask()))
    whole, half = (video(model.rollout(ask(draft=drafted(s)))) for s in (1.0, 0.5))
    assert np.array_equal(whole, none) and not np.array_equal(half, none)
    assert np.array_equal(half[:, :, :5], none[:, :, :5]), "what is known is no draft"
    other = video(model.rollout(ask(draft=drafted(0.5, seed=9))))
    assert not np.array_equal(half, other)
    faithful = VideoDiffusion(MODEL, Faithful(model.network), "")
    for strength, most in ((1e-9, 1), (0.01, 10)):
        found = faithful.rollout(ask(draft=drafted(strength)))
        for camera, wanted in drafted(strength).videos.items():
            first = 5 if camera == "overhead" else 0
            off = np.abs(video(found, camera)[0, :, first:].astype(int) - wanted[:, first:])
            assert off.max() <= most
    far = video(faithful.rollout(ask(draft=drafted(0.9)))).astype(int) - drafted(0.9).videos[
        "overhead"]
    assert np.abs(far[0, 0, 5:]).mean() > 30


def test_a_draft_is_of_pixels_and_states_begin_from_noise(model):
    network = Faithful(model.network)
    VideoDiffusion(MODEL, network, "").rollout(ask(
        known=(), draft=drafted(0.25), cameras=("overhead", "street")))
    assert [pair[0] for pair in network.levels] == [0.75]
    assert network.levels[0][1] == 0
    network.levels.clear()
    slow = VideoDiffusion(MODEL, network, "").with_sampler(steps=8, shift=1.0)
    slow.rollout(ask(known=(), draft=drafted(0.5)))
    pixels, states = np.array(network.levels).T
    np.testing.assert_allclose(pixels, [0.5, 0.625, 0.75, 0.875])
    np.testing.assert_allclose(states, [0, 0.25, 0.5, 0.75])


def test_drafts_that_do_not_fit_are_named():
    with pytest.raises(InputError, match="strength=0"):
        drafted(0.0)
    with pytest.raises(InputError, match="draft of camera 'overhead' is missing"):
        ask(draft=Draft({}, 0.5))
    with pytest.raises(InputError, match="give \\(1, 20, 16, 24, 3\\) uint8"):
        ask(draft=Draft({camera: context(19) for camera in ("overhead", "street")}, 0.5))


def test_the_causal_order_is_a_choice_and_holds_for_whole_rollouts(model):
    causal = model.with_sampler(causal=True)
    assert not np.array_equal(video(causal.rollout(ask())), video(model.rollout(ask())))
    late = KnownStates("gauges", np.full((1, 5, 9), 2.3), 2.0)
    for one, same in ((causal, True), (model, False)):
        plain, more = (video(one.rollout(ask(states=states))) for states in ((), (late,)))
        assert np.array_equal(plain[:, :, :10], more[:, :, :10]) == same
        assert not np.array_equal(plain, more)
