"""Streams: group after group without end, in bounded memory, faithful to what is known."""

from __future__ import annotations

import dataclasses
import gc

import numpy as np
import pytest
import torch
from tiny_model import BALL, MODEL, SIZE, tiny_model
from tiny_network import numbers_at

from worldsim.diffusion import streaming
from worldsim.diffusion.layers import LayerMemory
from worldsim.diffusion.model import VideoDiffusion
from worldsim.diffusion.streaming import MemberStream
from worldsim.errors import InputError
from worldsim.mechanics import Kick
from worldsim.query import Draft, Known, KnownStates, Origin, Query


@pytest.fixture(scope="module")
def model() -> VideoDiffusion:
    return tiny_model()


def context(frames: int = 5, cases: int = 1, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (cases, frames, *SIZE, 3), np.uint8)


def ask(**changes) -> Query:
    standard = {"scenario": "tsunami", "parameters": {"wave_height": np.array([4.0])},
                "known": (Known("overhead", context()),), "cameras": ("overhead", "street"),
                "size": SIZE, "duration": 4.0}
    return Query(**standard | changes)


def ball(**changes) -> Query:
    standard = {"scenario": "free_fall", "parameters": {}, "cameras": ("side", "corner"),
                "known": (Known("side", context()), Known("corner", context(seed=1))),
                "size": SIZE, "fps": 20.0, "duration": 1.0}
    return Query(**standard | changes)


def streamed(model: VideoDiffusion, query: Query, steps: int, actions: dict | None = None):
    """Video of the first camera and states of `steps` groups of frames."""
    stream, video, states = model.start(query), [], []
    for step in range(steps):
        video.append(stream.step((actions or {}).get(step))[query.cameras[0]])
        states.append(stream.states)
    return np.concatenate(video, 2), np.concatenate(states, 2)


def test_a_stream_goes_on_beyond_the_question(model):
    stream = model.start(ask(duration=2.0, realizations=2))
    for _ in range(9):  # 45 frames; the query asks for 10, a clip has 20
        chunk = stream.step()
        assert chunk.keys() == {"overhead", "street"}
        assert all(video.shape == (1, 2, 5, *SIZE, 3) for video in chunk.values())
        assert stream.states.shape == (1, 2, 5, 1, 9) and np.isfinite(stream.states).all()
        assert chunk["street"].std() > 0
        assert not np.array_equal(chunk["street"][:, 0], chunk["street"][:, 1])


@pytest.mark.parametrize("duration", [0.15, 0.25, 1.05])
def test_a_question_need_not_last_whole_groups(model, duration):
    known = (Known("side", context(3)),)
    video, states = streamed(model, ball(duration=duration, known=known), 6)
    assert video.shape == (1, 1, 30, *SIZE, 3) and states.shape == (1, 1, 30, 2, 9)
    assert np.array_equal(video[:, 0, :3], context(3)) and np.isfinite(video).all()


def tensors(member: MemberStream) -> tuple[int, int]:
    blocks = [block for memory in member.memories for block in memory.blocks]
    return len(blocks), sum(part.numel() for block in blocks for part in block)


def test_memory_does_not_grow(model):
    stream = model.start(ball())
    member = stream._members[0][0]
    sizes, alive = [], []
    for _ in range(12):
        stream.step()
        sizes.append(tensors(member))
        gc.collect()
        alive.append(sum(issubclass(type(thing), torch.Tensor) for thing in gc.get_objects()))
    longest = BALL.frames // 5
    layers = model.network.config.layers
    assert sizes[longest] == sizes[-1] and sizes[0] < sizes[1] < sizes[-1]
    assert sizes[-1][0] == layers * (1 + longest - 1)
    assert alive[-1] == alive[longest + 1]
    assert all(isinstance(memory, LayerMemory) for memory in member.memories)


def test_known_frames_come_back_from_the_stream(model):
    mask = np.zeros((20, *SIZE), bool)
    mask[7:12, 3:9, 5:20] = True
    pieces = (Known("overhead", context(7)), Known("overhead", context(3, seed=4), 3.4),
              Known("street", context(20, seed=1), mask=mask))
    stream = model.start(ask(known=pieces))
    chunks = [stream.step() for _ in range(6)]
    overhead, street = (np.concatenate([chunk[name] for chunk in chunks], 2)[0, 0]
                        for name in ("overhead", "street"))
    assert np.array_equal(overhead[:7], pieces[0].video[0])
    assert np.array_equal(overhead[17:20], pieces[1].video[0])
    assert np.array_equal(street[:20][mask], pieces[2].video[0][mask])
    assert overhead[20:].std() > 0


def test_known_states_come_back_from_the_stream(model):
    told = np.stack([numbers_at(k / 20) for k in range(20)])[None]
    query = ball(states=(KnownStates("body 1", told[:, :10], half_size=(0.2, 0.2, 0.2)),
                         KnownStates("body 1", told[:, 13:], 0.65)))
    states = streamed(model, query, 6)[1]
    np.testing.assert_allclose(states[0, 0, :10, 0], told[0, :10], atol=1e-5)
    np.testing.assert_allclose(states[0, 0, 13:20, 0], told[0, 13:], atol=1e-5)
    assert np.abs(states[0, 0, 10:13, 0] - told[0, 10:13]).max() > 0.01
    assert np.abs(states[0, 0, 20:, 0] - told[0, -1]).max() > 0.01


def test_a_members_stream_is_its_own(model):
    query = ask(cases=2, realizations=2, known=(Known("overhead", context(cases=2)),),
                parameters={"wave_height": np.array([3.0, 6.0])}, origin=Origin(1, (4, 9)))
    together, states = streamed(model, query, 6)
    alone = ask(known=(Known("overhead", context(cases=2)[1:]),),
                parameters={"wave_height": np.array([6.0])}, origin=Origin(1, (9,)))
    again, said = streamed(model, alone, 6)
    assert np.array_equal(together[1:, :1], again) and np.array_equal(states[1:, :1], said)
    assert not np.array_equal(together[1, 0], together[1, 1])
    other = streamed(model, ask(seed=1), 6)[0]
    assert not np.array_equal(other, streamed(model, ask(seed=0), 6)[0])


def test_longer_questions_begin_alike(model):
    short, long = (streamed(model, ask(duration=duration), 6)[0] for duration in (2.0, 8.0))
    assert np.array_equal(short, long), "a stream knows no end"


def test_a_push_changes_what_follows_and_nothing_before(model):
    push = Kick(0.1, "ball 1", velocity=(1.0, 0.0, 2.0))
    plain, said = streamed(model, ball(), 5)
    pushed, moved = streamed(model, ball(), 5, {2: push})
    assert np.array_equal(plain[:, :, :10], pushed[:, :, :10])
    assert np.array_equal(said[:, :, :10], moved[:, :, :10])
    for group in (2, 3):
        frames = slice(5 * group, 5 * group + 5)
        assert not np.array_equal(said[:, :, frames], moved[:, :, frames])
    asked, found = streamed(model, ball(actions=(Kick(0.6, "ball 1", velocity=(1.0, 0.0, 2.0)),)),
                            5)
    np.testing.assert_allclose(found, moved, atol=3e-5)  # 0.6 - 0.5 is not quite 0.1
    assert np.abs(asked.astype(int) - pushed).max() <= 1
    with pytest.raises(InputError, match="count from its first frame"):
        model.start(ball()).step(Kick(0.25, "ball 1", velocity=(1.0, 0.0, 0.0)))
    for kick in (Kick(0.1, "ball 3"), Kick(0.1, "ball"), Kick(0.1, "ball 1", factor=2.0)):
        with pytest.raises(InputError, match="it knows body 1, body 2, which are ball 1"):
            model.start(ball()).step(kick)
    with pytest.raises(InputError, match="it knows none"):
        model.start(ask()).step(push)


def test_a_reference_within_the_group_goes_with_the_states_of_that_frame(model, monkeypatch):
    """Where the group's own frames are the reference, nothing else can say where bodies were."""
    asked = []
    extend = streaming.extend

    def noting(*arguments):
        asked.append(arguments[9])
        return extend(*arguments)

    monkeypatch.setattr(streaming, "extend", noting)
    stream = model.start(ball(known=(Known("side", context(3)),)), steps=2)
    stream.step()
    assert [then is None for then in asked] == [True, True, False]
    asked.clear()
    stream.step()
    member = stream._members[0][0]
    assert all(then.shape == (1, 2, 1, MODEL.repertoire.subject("free_fall").slots, 9)
               for then in asked)
    assert torch.equal(asked[0], asked[1]) and not torch.equal(asked[1], asked[2])
    assert member.group == 2


def test_finished_groups_are_remembered_as_training_shows_known_ones(model, monkeypatch):
    kept = []
    extend = streaming.extend

    def noting(network, told, noisy, level, context, condition, states, *rest):
        if float(condition.context_noise):
            kept.append((level, condition.context_noise, states))
        return extend(network, told, noisy, level, context, condition, states, *rest)

    monkeypatch.setattr(streaming, "extend", noting)
    stream = model.start(ball(states=(KnownStates("body 1", np.stack(
        [numbers_at(k / 20) for k in range(5)])[None]),)))
    stream.step(), stream.step()
    assert len(kept) == 2
    for level, noise, states in kept:
        assert float(noise) == pytest.approx(0.03) and torch.allclose(level, 1 - noise)
        there = states.numbers[0, :, 0, -1] > 0
        valid = states.valid[0, :, 0]
        assert (valid[:, -1] == 1).all() and states.numbers[0, 2, 0, -1] == -1, "an empty slot"
        for slot in range(3):
            assert (valid[slot, :-4] == there[slot]).all()
    assert (kept[0][2].valid[0, 0, 0, -4:-1] == 1).all(), "its half size is read"


def test_states_come_before_pixels(model, monkeypatch):
    """Groups of states grow to a clip's length, the last one unknown; pixels show what they say."""
    paths, shown = [], []
    forward, extend = model.network.forward, streaming.extend

    def noting(noisy, level, context, condition, states, stage, grid, mask, paint):
        paths.append((grid.views, states.known.clone(), float(condition.states_noise)))
        return forward(noisy, level, context, condition, states, stage, grid, mask, paint)

    def showing(network, told, noisy, level, context, condition, states, *rest):
        shown.append((states.known.clone(), states.numbers.clone()))
        return extend(network, told, noisy, level, context, condition, states, *rest)

    monkeypatch.setattr(model.network, "forward", noting)
    monkeypatch.setattr(streaming, "extend", showing)
    stream = model.start(ball())
    longest, said = BALL.frames // 5, []
    for _ in range(longest + 2):
        stream.step()
        said.append(stream.states[0, 0])
    reading, rest = paths[0], [path for path in paths if not path[0]]
    assert reading[0] == 2 and reading[1].shape[-1] == 1 and not reading[1].any()
    lengths = [known.shape[-1] for _, known, _ in rest]
    assert sorted(set(lengths)) == list(range(2, longest + 1)) and lengths == sorted(lengths)
    for _, known, noise in rest:
        assert known[..., :-1].all() and not known[..., -1].any()
        assert noise == pytest.approx(0.008)
    assert all(known.all() for known, _ in shown)
    entity = BALL.entities[0]
    last = shown[-1][1][0, 0, 0, :-4].reshape(5, 9).numpy() * entity.scale + entity.centre
    np.testing.assert_allclose(said[-1][:, 0], last, rtol=1e-4, atol=1e-4)


def test_bodies_of_a_stream_keep_their_slots(model, monkeypatch):
    """Though the network counts them anew in every window."""
    subject = dataclasses.replace(MODEL.repertoire.subject("free_fall"), along=(1.0, 0.0, 0.0))
    known = dataclasses.replace(MODEL.repertoire, subjects=tuple(
        subject if one.name == "free_fall" else one for one in MODEL.repertoire.subjects))
    other = VideoDiffusion(dataclasses.replace(MODEL, repertoire=known), model.network, "")
    stay = other.network.forward

    def still(noisy, level, context, condition, states, stage, grid, mask, paint):
        found = stay(noisy, level, context, condition, states, stage, grid, mask, paint)
        numbers = states.numbers[:, :, :1].expand_as(states.numbers)
        return dataclasses.replace(found, numbers=numbers) if not grid.views else found

    monkeypatch.setattr(other.network, "forward", still)
    right, left = np.zeros((1, 5, 9)), np.zeros((1, 5, 9))
    right[..., 0], left[..., 0] = 0.9, -0.9
    query = ball(known=(), states=(KnownStates("body 1", right), KnownStates("body 2", left)))
    states = streamed(other, query, 6)[1]
    np.testing.assert_allclose(states[0, 0, :, 0, 0], 0.9, atol=1e-5)
    np.testing.assert_allclose(states[0, 0, :, 1, 0], -0.9, atol=1e-5)


def test_what_a_stream_cannot_do(model):
    with pytest.raises(InputError, match="cannot begin from a draft"):
        model.start(ask(draft=Draft({camera: context(20) for camera in ("overhead", "street")},
                                    0.5)))
    with pytest.raises(InputError, match="knows no state of 'people'"):
        model.start(ask(states=(KnownStates("people", np.zeros((1, 5, 9))),)))
