"""States: what clips keep of a simulation, what the network is shown, and what it gives back."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation
from synthetic_clips import ball_clips, synthetic_clips
from tiny_model import BALL, MODEL, SIZE, WATER, tiny_model
from tiny_network import numbers_at

from worldsim.diffusion.clip_factory import FASTEST_PUSH, drawn_push, generate_clips
from worldsim.diffusion.clips import load_clips
from worldsim.diffusion.dreaming import Dream
from worldsim.diffusion.layers import TransformerConfig
from worldsim.diffusion.model import VideoDiffusion
from worldsim.diffusion.objective import ObjectiveConfig, states_loss
from worldsim.diffusion.observables import (
    BODIES,
    ENTITIES,
    GAUGE_PLACES,
    half_sizes,
    record_states,
    rotation_columns,
)
from worldsim.diffusion.patches import PatchConfig
from worldsim.diffusion.picking import pick
from worldsim.diffusion.presets import TrainingConfig
from worldsim.diffusion.pushes import write_push
from worldsim.diffusion.repertoire import Repertoire, Subject
from worldsim.diffusion.sampler import settled
from worldsim.diffusion.sequence import Prediction
from worldsim.diffusion.staging import state_numbers
from worldsim.diffusion.step_loss import step_loss
from worldsim.diffusion.trainer import Trainer
from worldsim.diffusion.training_clips import (
    BatchConfig,
    TrainingClips,
    subject_of,
)
from worldsim.errors import InputError
from worldsim.mechanics import Kick
from worldsim.query import KnownStates, Query
from worldsim.scenario import scenario_class
from worldsim.simulator.world import simulate
from worldsim.splits import Purpose, seed_for

CONFIG = TrainingConfig(
    transformer=TransformerConfig(patches=PatchConfig(frames=5, patch=8, cell=4), width=32,
                                  layers=1, heads=2, hidden=32, detail=8),
    batch=BatchConfig(tokens=48, frames=10, town_frames=10, paths=0, readings=0, laws=0),
    held_out=1, steps=4, compiled=False, precision="float32")


def quiet(_: str) -> None:
    pass


@pytest.mark.parametrize("name", ["free_fall", "pendulum", "dominoes"])
def test_recorded_states_are_those_of_the_simulation(name):
    cls = scenario_class(name)
    truth = simulate([cls()], seed=3, duration=0.5, threads=1)
    if name == "dominoes":  # parts that are neither at their body's centre nor along its axes
        rng = np.random.default_rng(0)
        for kind, values in (("offset", rng.normal(size=3)),
                             ("turn", Rotation.random(random_state=0).as_quat()[[3, 0, 1, 2]])):
            truth["parts"][kind].values[...] = values
    states, solids = (record_states(truth)[kind][0] for kind in ("states", "solids"))
    parts, bodies = truth["parts"].dataset.isel(case=0), truth["bodies"].dataset
    followed = [part for part in parts["part"].values
                if parts["tracked"][part] and parts["present"][part]]
    assert states.shape == (round(0.5 * cls.fps) + 1, BODIES + 3, 9)
    present = np.isfinite(states[:, :, 0]).all(0)
    assert present.tolist() == [k < len(followed) for k in range(BODIES)] + [False] * 3
    for slot, part in enumerate(followed):
        body = int(parts["body"][part])
        for frame in range(len(states)):
            then = bodies.sel(time=frame / cls.fps, method="nearest").isel(
                case=0, realization=0, body=body)
            assert float(then["time"]) == pytest.approx(frame / cls.fps, abs=1e-6)
            turn = Rotation.from_quat(then["quaternion"].values[[1, 2, 3, 0]])
            place = then["position"].values + turn.apply(parts["offset"].values[part])
            np.testing.assert_allclose(states[frame, slot, :3], place, atol=1e-5)
            own = Rotation.from_quat(parts["turn"].values[part][[1, 2, 3, 0]])
            matrix = (turn * own).as_matrix()
            np.testing.assert_allclose(states[frame, slot, 3:6], matrix[:, 0], atol=1e-5)
            np.testing.assert_allclose(states[frame, slot, 6:], matrix[:, 2], atol=1e-5)
        assert solids[slot, 0] == parts["shape"][part]
        np.testing.assert_allclose(solids[slot, 1:], parts["size"].values[part], rtol=1e-6)
    moved = np.abs(states[-1, :len(followed), :3] - states[0, :len(followed), :3]).max()
    assert moved > 0.01


def test_what_floats_has_states_where_it_is_no_more_than_a_few():
    cls = scenario_class("floating")
    truth = simulate([cls()], seed=3, duration=0.4, threads=1)
    states, solids = (record_states(truth)[kind][0] for kind in ("states", "solids"))
    bodies = truth["bodies"].dataset.isel(case=0, realization=0)
    loose = np.flatnonzero(truth["bodies"]["debris_kind"].values[0] >= 0)
    assert 0 < len(loose) <= BODIES
    for slot, body in enumerate(loose):
        for frame in range(len(states)):
            then = bodies.sel(time=frame / cls.fps, method="nearest").isel(body=body)
            assert float(then["time"]) == pytest.approx(frame / cls.fps, abs=1e-6)
            np.testing.assert_allclose(states[frame, slot, :3], then["position"].values, atol=1e-5)
            matrix = Rotation.from_quat(then["quaternion"].values[[1, 2, 3, 0]]).as_matrix()
            np.testing.assert_allclose(states[frame, slot, 3:6], matrix[:, 0], atol=1e-5)
        size = truth["bodies"]["half_size"].values[0, 0, 0, body]
        assert solids[slot].tolist() == pytest.approx([1, *size])
    assert np.isnan(states[:, len(loose):BODIES]).all()
    assert np.isfinite(states[:, BODIES]).all(), "water has gauges"
    town = simulate([scenario_class("tsunami")()], seed=3, duration=0.2, threads=1)
    town["bodies"]["debris_kind"].values[...] = 0
    assert town["bodies"]["present"].values.sum() > BODIES
    assert np.isnan(record_states(town)["states"][:, :, :BODIES]).all(), "too many"


def test_gauges_read_the_depth_at_nine_places():
    truth = simulate([scenario_class("tsunami")()], seed=3, duration=0.4, threads=1)
    states = record_states(truth)["states"]
    depth = truth["water"]["depth"].isel(case=0, realization=0)
    assert depth.dims == ("time", "y", "x")
    for frame, time in enumerate((0.0, 0.2, 0.4)):
        # The simulation is stored ten times a second, and filmed five times.
        then = depth.isel(time=round(time * 10)).values
        for place in range(9):
            row, column = divmod(place, 3)
            at = (round(GAUGE_PLACES[row] * 63), round(GAUGE_PLACES[column] * 95))
            assert states[0, frame, BODIES, place] == pytest.approx(then[at], abs=1e-6)
    town = truth["structures"].dataset.isel(case=0, realization=0)
    houses = town["present"].values
    standing = town["standing"].isel(time=-1).values[houses].mean()
    assert states[0, -1, BODIES + 1, 0] == pytest.approx(standing)
    shares = states[0, :, BODIES + 1, 4:]
    assert np.isfinite(shares).all() and (shares.sum(-1) <= 1 + 1e-6).all()


def test_columns_of_rotations_agree_with_scipy():
    turns = Rotation.random(50, random_state=0)
    matrices = turns.as_matrix()
    found = rotation_columns(turns.as_quat()[:, [3, 0, 1, 2]])
    np.testing.assert_allclose(found[:, :3], matrices[:, :, 0], atol=1e-12)
    np.testing.assert_allclose(found[:, 3:], matrices[:, :, 2], atol=1e-12)


def test_half_sizes_of_all_shapes():
    solids = np.array([[0, 0.2, 0, 0], [1, 0.1, 0.2, 0.3], [2, 0.1, 0.4, 0], [3, 0.1, 0.4, 0]])
    np.testing.assert_allclose(half_sizes(solids), [
        [0.2, 0.2, 0.2], [0.1, 0.2, 0.3], [0.1, 0.1, 0.4], [0.1, 0.1, 0.5]])


def test_numbers_of_tokens_hold_states_sizes_and_presence():
    states = np.full((4, 3, 9), np.nan, np.float32)
    states[:, 0] = np.arange(36).reshape(4, 9)
    states[:, 1, :4] = 1.0
    half = np.full((3, 3), np.nan, np.float32)
    half[0] = [1, 2, 3]
    numbers, valid = state_numbers(states, half, 2)
    assert numbers.shape == valid.shape == (3, 2, 22)
    assert numbers[0, 1].tolist() == [*range(18, 36), 1, 2, 3, 1] and (valid[0] == 1).all()
    assert valid[1, 0].tolist() == ([1] * 4 + [0] * 5) * 2 + [0, 0, 0, 1]
    assert valid[2].sum() == 2 and (numbers[2, :, -1] == -1).all(), "only that it is absent"
    assert torch.isfinite(numbers).all()


class Witness(torch.nn.Module):
    """A network that notes what it is shown and answers with it."""

    def __init__(self, network) -> None:
        super().__init__()
        self.entity, self.config, self.seen = network.entity, network.config, []

    def lawful(self, condition, states, ahead=True):
        return states.numbers

    def forward(self, noisy, level, context, condition, states, stage, grid, mask=None,
                paint=True):
        self.seen.append(states)
        return Prediction(noisy, states.numbers)


def test_what_is_unknown_does_not_tell_whether_a_body_is_there():
    trainer = Trainer(CONFIG, [ball_clips()], quiet)
    step = next(k for k in range(50) if trainer.batch(k).states.known.sum() == 0
                and trainer.batch(k).states.known.numel())
    there = trainer.batch(step)
    numbers, valid = there.states.numbers.clone(), there.states.valid.clone()
    assert (numbers[:, 0, :, -1] == 1).all() and (valid[:, 0] == 1).all()
    numbers[:, 0], valid[:, 0] = 0, 0
    numbers[:, 0, :, -1], valid[:, 0, :, -1] = -1, 1
    level = torch.zeros_like(there.states.level)  # nothing but noise

    def shown(known: float, **states):
        witness = Witness(trainer.network)
        told = torch.full_like(there.states.known, known)
        batch = dataclasses.replace(there, states=dataclasses.replace(
            there.states, level=level, known=told, **states))
        step_loss(witness, batch)
        return witness.seen[0]

    a, b = shown(0.0), shown(0.0, numbers=numbers, valid=valid)
    for field in dataclasses.fields(a):
        if field.name not in ("lawful", "turned", "bounds"):  # not in training
            assert torch.equal(getattr(a, field.name), getattr(b, field.name)), field.name
    assert (a.valid[:, :2] == 1).all() and (a.valid[:, 2] == 0).all(), "of slots without entity"
    a, b = shown(1.0), shown(1.0, numbers=numbers, valid=valid)
    assert not torch.equal(a.valid, b.valid) and not torch.equal(a.numbers, b.numbers)


def test_unknown_presence_is_not_told_in_dreams_either():
    model = tiny_model()
    seen = []
    for told in ((), (KnownStates("body 2", np.full((1, 20, 9), 0.5)),)):
        query = Query("free_fall", {}, cameras=("side",), size=SIZE, fps=20.0, duration=1.0,
                      states=told)
        seen.append(Dream(model, query, {}, 0, 0).token_states(0, 20))
    nothing, one = seen
    assert (nothing.known == 0).all() and one.known[0, :, 0].tolist() == [0, 1, 0]
    assert (nothing.valid[0, :2] == 1).all() and (nothing.valid[0, 2] == 0).all()
    assert torch.equal(one.valid[0, 0], nothing.valid[0, 0])
    assert (one.valid[0, 1, :, -4:-1] == 0).all(), "no half size was told"
    beyond = Dream(model, query, {}, 0, 0).token_states(15, 10)
    assert beyond.known[0, 1].tolist() == [1, 0] and (beyond.valid[0, 1, 1] == 1).all()


def test_what_is_known_or_no_number_costs_nothing():
    trainer = Trainer(CONFIG, [ball_clips()], quiet)
    states = next(s for s in (trainer.batch(k).states for k in range(50))
                  if s.known.any() and not s.known.all())
    clean = states.numbers
    ignored = (states.valid == 0) | (states.known[..., None] > 0)
    assert ignored.any() and not ignored.all()
    typical = torch.ones(*clean.shape[:3], 5, 2)
    assert float(states_loss(clean + 5.0 * ignored, states, clean, 0.1 * typical)) == 0
    path = torch.zeros_like(clean)
    path[..., :-4].unflatten(-1, (5, 9))[..., :3] = 1.0  # positions alone
    rough = path.clone()
    rough[..., :-4].unflatten(-1, (5, 9))[..., 1::2, :3] = -1.0
    smooth, zigzag = (float(states_loss(clean + 0.01 * kind * ~ignored, states, clean,
                                        0.1 * typical)) for kind in (path, rough))
    assert zigzag > 3 * smooth, "a path that trembles is worse than one that is off"

    def cost(error: float, size: float) -> float:
        return float(states_loss(clean + error * path * ~ignored, states, clean, size * typical))

    assert cost(2e-3, 0.1) == pytest.approx(4 * cost(1e-3, 0.1), rel=1e-3), "the square"
    assert cost(1e-3, 0.05) == pytest.approx(2 * cost(1e-3, 0.1), rel=1e-3), "over what is typical"
    assert cost(20.0, 0.1) == pytest.approx(2 * cost(10.0, 0.1), rel=0.05), "linear where large"


def test_numbers_of_what_is_not_there_are_settled_to_zero():
    numbers = torch.randn(2, 3, 4, 22, generator=torch.Generator().manual_seed(0))
    found = settled(numbers)
    there = numbers[..., -1] > 0
    assert there.any() and not there.all()
    assert torch.equal(found[there], numbers[there])
    assert (found[~there][:, :-1] == 0).all()
    assert torch.equal(found[..., -1], numbers[..., -1])


def told_states(frames: int, start: int = 0) -> np.ndarray:
    return np.stack([numbers_at(k / 20) for k in range(start, start + frames)])[None]


@pytest.mark.parametrize("causal", [False, True])
def test_known_states_come_back_and_unknown_ones_are_dreamed(causal):
    model = tiny_model().with_sampler(causal=causal)
    pieces = (KnownStates("body 1", told_states(7), half_size=(0.1, 0.2, 0.3)),
              KnownStates("body 1", told_states(20, 15), 0.75))
    query = Query("free_fall", {}, cameras=("side",), size=SIZE, fps=20.0, duration=1.75,
                  states=pieces, realizations=2)
    said = model.rollout(query)["said"].dataset
    assert said["state"].dims == ("case", "realization", "time", "entity", "number")
    assert json.loads(said.attrs["names"]) == ["body 1", "body 2"]
    np.testing.assert_allclose(said["time"].values, np.arange(35) / 20)
    first = said["state"].values[0, :, :, 0]
    for member in first:
        np.testing.assert_allclose(member[:7], told_states(7)[0], atol=1e-5)
        np.testing.assert_allclose(member[15:], told_states(20, 15)[0], atol=1e-5)
    between, truth = first[:, 7:15], told_states(8, 7)[0]
    assert np.isfinite(between).all() and np.abs(between - truth).max((1, 2)).min() > 0.01
    assert np.abs(between[0] - between[1]).max() > 1e-4, "realizations dream for themselves"


def test_states_that_are_told_change_what_is_seen():
    model = tiny_model()
    seen = []
    for states in ((), (KnownStates("body 1", told_states(20)),)):
        query = Query("free_fall", {}, cameras=("side",), size=SIZE, fps=20.0, duration=1.0,
                      states=states)
        seen.append(model.rollout(query)["video/side"]["rgb"].values)
    assert not np.array_equal(*seen)


def test_states_that_do_not_fit_are_named():
    def ask(**changes):
        return Query("free_fall", {}, cameras=("side",), size=SIZE, fps=20.0, duration=1.0,
                     states=(KnownStates(**{"entity": "body 1", "values": told_states(5)}
                                         | changes),))

    model = tiny_model()
    with pytest.raises(InputError, match=r"knows no state of 'body 3'.*it knows body 1, body 2"):
        model.rollout(ask(entity="body 3"))
    for start in (-0.1, 1.0, 1.5):
        with pytest.raises(InputError, match="known states of 'body 1'"):
            model.rollout(ask(start=start))
    with pytest.raises(InputError, match="give \\(case, time, 9\\)"):
        ask(values=np.zeros((1, 5, 8)))
    with pytest.raises(InputError, match="of 2 cases; the query has 1"):
        ask(values=np.zeros((2, 5, 9)))


class Absent(torch.nn.Module):
    """A network that takes the second body to be absent, and all numbers for one."""

    def __init__(self, network) -> None:
        super().__init__()
        self.entity, self.seen = network.entity, []

    def lawful(self, condition, states, ahead=True):
        return states.numbers

    def forward(self, noisy, level, context, condition, states, stage, grid, mask, paint):
        self.seen.append(states)
        numbers = torch.ones_like(states.numbers)
        numbers[:, 1, :, -1] = -1
        return Prediction(noisy, numbers)


def test_dreamed_absence_and_sizes_are_handed_on_as_training_shows_them():
    network = Absent(tiny_model().network)
    fewer = tuple(dataclasses.replace(one, steps=1) for one in MODEL.samplers)
    model = dataclasses.replace(MODEL, samplers=fewer)
    query = Query("free_fall", {}, cameras=("side",), size=SIZE, fps=20.0, duration=1.5)
    said = VideoDiffusion(model, network, "").rollout(query)["said"]["state"].values[0, 0]
    assert np.isnan(said[:, 1]).all()
    np.testing.assert_allclose(said[:, 0], np.broadcast_to(
        np.add(BALL.entities[0].scale, BALL.entities[0].centre), (30, 9)), rtol=1e-6)
    later = network.seen[-1]
    assert later.known[0, :2, 0].tolist() == [1, 1]
    assert (later.valid[0, 0, 0] == 1).all()
    assert (later.valid[0, 1, 0, :-1] == 0).all() and later.numbers[0, 1, 0, -1] == -1
    water = Query("tsunami", {}, cameras=("overhead",), size=SIZE, fps=5.0, duration=6.0)
    network.seen.clear()
    VideoDiffusion(model, network, "").rollout(water)
    later = network.seen[1]
    assert (later.known[0, 0, 0] == 1) and (later.valid[0, 0, 0, :-4] == 1).all()
    assert (later.valid[0, 0, 0, -4:-1] == 0).all(), "water has no half sizes"
    assert WATER.entities[0].name == "gauges"


def test_states_are_normalised_by_the_scenarios_own_units():
    clips = ball_clips()
    subject = subject_of(clips, BatchConfig(), 5)
    assert [e.name for e in subject.entities] == ["body 1", "body 2"] and subject.slots == 3
    assert subject.length == pytest.approx(3.522727272727273 / 2)
    data = TrainingClips.weigh(clips, subject, ObjectiveConfig())
    np.testing.assert_allclose(data.states[:, :, 0, 2],
                               (clips.states[:, :, 0, 2] - 1.55) / subject.length, rtol=1e-4,
                               atol=1e-6)
    assert np.isnan(data.states[0, :, 1]).all() and np.isfinite(data.states[2, :, 1]).all()
    np.testing.assert_allclose(data.half[0, 0], 0.3 / subject.length / 0.1, rtol=1e-5)
    assert Subject.from_fields(dataclasses.asdict(subject)) == subject


def test_gauges_are_mirrored_with_the_picture():
    """Each gauge reads a grey level from the picture of its time: mirrored or not, they agree."""
    clips = synthetic_clips(cases=3, frames=14, size=(16, 24))
    rng = np.random.default_rng(0)
    video = torch.from_numpy(rng.integers(0, 256, clips.video.shape, np.uint8))
    # Row 0 of the picture is at the largest y; gauges are in the order of y, then x.
    rows = [11, 8, 4]  # mirrored: 4, 7, 11
    video[:, :, :, 7] = video[:, :, :, 8]
    columns = [6, 12, 18]
    states = np.full((3, 14, BODIES + 3, 9), np.nan, np.float32)
    states[:, :, BODIES] = video[:, 0][:, :, rows][:, :, :, columns][..., 0].flatten(2)
    clips = dataclasses.replace(clips, video=video, states=states)
    batch, patches = CONFIG.batch, CONFIG.transformer.patches
    subject = subject_of(clips, batch, 5)
    assert [entity.name for entity in subject.entities] == ["gauges"]
    data = TrainingClips.weigh(clips, subject, ObjectiveConfig())
    entity, mirrored = subject.entities[0], 0
    for draw in range(20):
        clip = pick(data, np.arange(3), np.random.default_rng(draw), 10, 2, batch,
                     ObjectiveConfig(), patches)
        shown = clip.video[0][:, rows][:, :, columns][..., 0].flatten(1).numpy()
        read = clip.states[:, 0] * entity.scale + entity.centre
        np.testing.assert_allclose(read, shown, atol=0.01)
        plain = any(torch.equal(clip.video[0], film[s:s + 10])
                    for film in video[:, 0] for s in range(5))
        mirrored += not plain
    assert 4 < mirrored < 16


def test_a_push_is_told_in_its_group_and_slot():
    push = np.zeros((3, 4, 5), np.float32)
    write_push(push, np.array([1.35, 1, 2.0, 0.0, -4.0], np.float32), 0.5, 0.25, 2.0)
    assert np.abs(push).sum((2,)).nonzero() == (np.array([1]), np.array([3]))
    np.testing.assert_allclose(push[1, 3], [1, 0.4, 1, 0, -2], atol=1e-5)
    push[:] = 0
    for row in ([np.nan] * 5, [0.4, 1, 1, 1, 1], [1.5, 1, 1, 1, 1], [0.6, 3, 1, 1, 1]):
        write_push(push, np.array(row, np.float32), 0.5, 0.25, 2.0)
    assert (push == 0).all(), "none, before the clip, after it, of what has no slot"


def test_batches_tell_of_pushes_where_they_happen():
    clips = ball_clips()
    trainer = Trainer(CONFIG, [clips], quiet)
    seen = set()
    for step in range(12):
        batch = trainer.batch(step, cases=(np.array([0]),))
        for push in batch.states.push.numpy():
            where = [tuple(found) for found in np.argwhere(push[:, :, 0])]
            assert len(where) == 1 and where[0][0] == 0
            group = where[0][1]
            started = 0.3 - (group + push[0, group, 1]) * 0.25  # s, of the clip
            assert started * 20 == pytest.approx(round(started * 20), abs=1e-4)
            np.testing.assert_allclose(
                push[0, group, 2:], np.array([0.5, 0, 1]) / trainer.data[0].subject.length,
                rtol=1e-5)
            seen.add(round(started * 20))
    assert 0 in seen and len(seen) > 2
    assert not trainer.batch(0, cases=(np.array([1]),)).states.push.any()


def test_drawn_pushes_are_of_free_objects_and_keyed():
    scene = scenario_class("dominoes")().scene(5, 0)
    kicks = [drawn_push(scene, 5, case) for case in range(40)]
    assert kicks[3][0] == drawn_push(scene, 5, 3)[0] != kicks[4][0]
    for kick, chosen in kicks:
        assert kick.body == ("ball", *(f"domino {k}" for k in range(1, 9)))[chosen]
        assert 0.3 - 1 / 120 < kick.time < 1.5 + 1 / 120 and kick.factor == 1
        assert kick.time * 120 == pytest.approx(round(kick.time * 120), abs=1e-9)
        assert 0.2 <= np.linalg.norm(kick.velocity) <= FASTEST_PUSH
    assert len({chosen for _, chosen in kicks}) > 3
    assert drawn_push(scenario_class("pendulum")().scene(5, 0), 5, 0) is None, "it is hinged"
    assert drawn_push(scenario_class("tsunami")().scene(5, 0), 5, 0) is None


def test_pushes_of_a_query_find_the_objects_slot():
    cls = scenario_class("dominoes")
    scene = cls().scene(5, 0)
    entities = tuple(dataclasses.replace(BALL.entities[0], name=name) for name in ENTITIES[:6])
    subject = dataclasses.replace(BALL, name="dominoes", version=cls.version, entities=entities,
                                  slots=8)
    model = tiny_model()
    known = Repertoire((subject,), model.config.repertoire.cameras)
    model.config = dataclasses.replace(MODEL, repertoire=known)
    for case in range(5):
        kick, chosen = drawn_push(scene, 5, case)
        for name in (kick.body, f"body {chosen + 1}"):
            named = Kick(0.3, name, velocity=kick.velocity)
            query = Query("dominoes", {}, cameras=("side",), size=SIZE, fps=20.0, duration=1.0,
                          actions=(named,))
            push = Dream(model, query, {}, 0, 0).token_states(0, 20).push[0]
            assert push[:, :, 0].nonzero().tolist() == [[chosen, 1]]
            np.testing.assert_allclose(push[chosen, 1, 2:],
                                       np.array(kick.velocity) / subject.length, rtol=1e-5)


def test_a_pushed_case_differs_only_after_its_push(tmp_path):
    options = {"seed": seed_for(Purpose.TRAINING, 5), "duration": 1.8, "size": (16, 16),
               "workers": 1, "record": record_states, "cameras": ("side",)}
    for name, pushed in (("plain", 0.0), ("pushed", 1.0)):
        list(generate_clips(tmp_path / name, "dominoes", range(2), pushed=pushed, **options))
    plain, pushed = (load_clips(tmp_path / name) for name in ("plain", "pushed"))
    assert plain.pushes is None and pushed.pushes.shape == (2, 1, 5)
    for case in range(2):
        time, number, *velocity = pushed.pushes[case, 0]
        before = int(np.floor(time * pushed.fps + 1e-4)) + 1  # frames up to the push
        a, b = plain.states[case], pushed.states[case]
        assert np.array_equal(a[:before], b[:before], equal_nan=True)
        assert torch.equal(plain.video[case, 0, :before], pushed.video[case, 0, :before])
        off = (b - a)[before, :BODIES, :3]
        assert np.nanargmax(np.linalg.norm(off, axis=-1)) == number
        later = before / pushed.fps - time
        np.testing.assert_allclose(off[int(number)][:2] / later, velocity[:2],
                                   atol=0.5 * np.abs(velocity).max())
        assert np.nanmax(np.abs(a[before + 1:] - b[before + 1:])) > 0.01
    some = list(generate_clips(tmp_path / "some", "free_fall", range(6), pushed=0.5, **options))
    assert some == list(range(6))
    times = load_clips(tmp_path / "some").pushes[:, 0, 0]
    assert 0 < np.isfinite(times).sum() < 6
