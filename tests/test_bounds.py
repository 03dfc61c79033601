"""Bodies that nobody pushes stay where training's stayed: no drift out of the plane, or the box."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
from synthetic_clips import ball_clips
from tiny_model import BALL, MODEL, SIZE, tiny_model

from evaluation.learned.asking import examined
from evaluation.learned.streaming import SCENE, coloured_share
from scenarios.balls_in_box import INSIDE
from worldsim.diffusion.dreaming import Dream
from worldsim.diffusion.model import VideoDiffusion
from worldsim.diffusion.repertoire import Subject
from worldsim.diffusion.rolling import FARTHEST, Given, Moving, Pace, rolled
from worldsim.diffusion.states_first import within_bounds
from worldsim.diffusion.training_clips import BatchConfig, reach_of, subject_of
from worldsim.mechanics import Kick
from worldsim.query import Known, KnownStates, Query

TURN = (1.0, 0.0, 0.0, 0.0, 0.0, 1.0)
REACH = ((-0.5, 0.0, -0.8, *TURN), (0.7, 0.0, 0.4, *TURN))
UPWARD = 2


@pytest.fixture(scope="module")
def model() -> VideoDiffusion:
    """A tiny model that knows how far balls go."""
    tiny = tiny_model()
    ball = dataclasses.replace(BALL, reach=REACH)
    water = MODEL.repertoire.subjects[0]
    config = dataclasses.replace(
        MODEL, repertoire=dataclasses.replace(MODEL.repertoire, subjects=(water, ball)))
    return VideoDiffusion(config, tiny.network, tiny.sha256)


def ask(**changes) -> Query:
    known = np.random.default_rng(0).integers(0, 256, (1, 5, *SIZE, 3), np.uint8)
    standard = {"scenario": "free_fall", "parameters": {}, "cameras": ("side",), "size": SIZE,
                "known": (Known("side", known),), "fps": 20.0, "duration": 1.0}
    return Query(**standard | changes)


def said(model: VideoDiffusion, query: Query) -> np.ndarray:
    """Normalised states (time, body, 9) of the bodies that are there."""
    tree = model.rollout(query)
    entities = BALL.entities
    values = tree["said"]["state"].values[0, 0]
    found = np.stack([(values[:, k] - e.centre) / e.scale for k, e in enumerate(entities)], 1)
    return found[:, np.isfinite(found[0, :, 0])]


def test_bounds_are_twice_as_far_and_exact_where_nothing_moves():
    lowest, highest = dataclasses.replace(BALL, reach=REACH).bounds
    torch.testing.assert_close(lowest[:3], torch.tensor([-1.7, 0.0, -2.0]))
    torch.testing.assert_close(highest[:3], torch.tensor([1.9, 0.0, 1.6]))
    assert torch.equal(lowest[3:], highest[3:]), "it never turned"
    assert BALL.bounds is None, "nobody looked"
    again = Subject.from_fields(dataclasses.asdict(dataclasses.replace(BALL, reach=REACH)))
    assert again.reach == REACH


def test_the_reach_is_that_of_cases_where_nothing_is_pushed():
    clips = ball_clips()
    subject = subject_of(clips, BatchConfig(), 5)
    bodies = clips.states[:, :, :2]
    heights = (bodies[..., UPWARD] - subject.entities[0].centre[UPWARD]) / subject.length
    assert subject.reach[0][UPWARD] == pytest.approx(np.nanmin(heights), abs=1e-4)
    assert subject.reach[1][UPWARD] == pytest.approx(np.nanmax(heights), abs=1e-4)
    pushes = np.full((len(clips), 1, 5), np.nan, np.float32)
    pushes[1:] = 1.0
    pushed = dataclasses.replace(clips, pushes=pushes)
    alone = reach_of(pushed, subject.entities)
    assert alone[0][UPWARD] == pytest.approx(np.nanmin(heights[0]), abs=1e-4)
    everything = dataclasses.replace(clips, pushes=np.ones_like(pushes))
    assert reach_of(everything, subject.entities) == ()
    gauges = dataclasses.replace(subject.entities[1], name="gauges")
    assert reach_of(clips, (subject.entities[0], gauges)) == (), "water carries it"


def test_what_is_dreamed_and_read_stays_within_and_what_is_pushed_does_not(model):
    lowest, highest = model.config.repertoire.subjects[1].bounds.numpy()
    for query in (ask(), ask(known=())):
        states = said(model, query)
        assert states.size
        assert (states > lowest - 1e-4).all() and (states < highest + 1e-4).all()
    free = said(tiny_model(), ask())
    assert np.abs(free[..., 1]).max() > 1e-3, "without bounds it leaves the plane"
    push = ask(actions=(Kick(0.4, "body 1", velocity=(0.0, 1.0, 0.0)),))
    states = said(model, push)
    assert np.abs(states[..., 1]).max() > 1e-3


def test_what_is_told_widens_the_bounds_and_comes_back(model):
    entity = BALL.entities[0]
    told = np.tile([0.1, 0.9, -0.2, 1, 0, 0, 0, 0, 1], (1, 5, 1)).astype(float)
    query = ask(states=(KnownStates("body 1", told * entity.scale + entity.centre),))
    bounds = Dream(model, query, {}, 0, 0).token_states(0, 20).bounds
    assert bounds[0, 1, 1] == pytest.approx(0.9) and bounds[0, 0, 1] == 0.0
    found = model.rollout(query)["said"]["state"].values[0, 0, :5, 0]
    np.testing.assert_allclose(found, told[0] * entity.scale + entity.centre, atol=1e-5)


def test_known_numbers_and_water_are_left_alone(model):
    dream = Dream(model, ask(), {}, 0, 0)
    states = dream.token_states(0, 20)
    wild = torch.full_like(states.numbers, 9.0)
    found = within_bounds(wild, states)
    bounds = states.bounds[0]
    frames = found[0, 0, :, :-4].unflatten(-1, (-1, 9))
    torch.testing.assert_close(frames, bounds[1].expand_as(frames))
    assert (found[..., -4:] == 9.0).all(), "half sizes and presence have no bounds"
    known = dataclasses.replace(states, known=torch.ones_like(states.known))
    assert torch.equal(within_bounds(wild, known), wild)
    water = dataclasses.replace(states, entity=torch.full_like(states.entity, 8))
    assert torch.equal(within_bounds(wild, water), wild)


def test_laws_do_not_lead_beyond():
    frames, groups = 5, 4
    place = torch.linspace(0, 1, frames)[None, None, None, :, None].expand(1, 1, groups, -1, 9)
    known = torch.tensor([[[True, False, False, False]]])
    still = torch.zeros(1, 1, groups * frames, 9)
    bounds = torch.stack([torch.full((9,), -1.0), torch.full((9,), 1.5)])[None]

    def drift(moving: Moving, since: torch.Tensor) -> torch.Tensor:
        return torch.zeros_like(moving.place)

    pace = Pace.of(torch.tensor([0.05]), torch.tensor([0.05]))
    given = Given(place, torch.ones(1, 1, groups, 4), known, still, still, torch.zeros(1))
    assert float(rolled(given, pace, drift, ahead=False).max()) == FARTHEST
    held = rolled(dataclasses.replace(given, bounds=bounds), pace, drift, ahead=False)
    assert float(held.max()) == 1.5 and torch.equal(held[:, :, 0], place[:, :, 0])


def test_a_push_in_a_stream_frees_the_bodies(model):
    stream = model.start(ask())
    for _ in range(2):
        stream.step()
    assert np.abs(stream.states[0, 0, :, :2, 1]).max() < 1e-6
    stream.step(Kick(0.1, "body 1", velocity=(0.0, 1.5, 0.0)))
    aside = []
    for _ in range(6):
        stream.step()
        aside.append(np.abs(stream.states[0, 0, :, :2, 1]).max())
    assert max(aside) > 1e-3


def test_balls_of_the_packaged_model_stay_in_their_box():
    """Twenty seconds of a scene that never rests; before there were bounds, they were outside."""
    one = examined(SCENE, 1)
    stream = VideoDiffusion.from_pretrained("worldsim-small").start(one.question)
    camera = one.question.cameras[0]
    films, places = [], []
    for _ in range(80):
        films.append(stream.step()[camera][0, 0])
        places.append(stream.states[0, 0, :, :, :3])
    film, place = np.concatenate(films), np.concatenate(places)
    balls = np.isfinite(place[0, :, 0])
    last = place[-100:, balls]
    assert balls.sum() >= 3 and np.abs(last[..., 1]).max() == 0
    assert np.abs(last[..., 0]).max() < INSIDE / 2 and np.ptp(last[..., 2]) < INSIDE
    speed = np.linalg.norm(np.diff(last, axis=0), axis=-1) * one.question.fps
    assert speed.mean() > 0.1, "m/s"
    share = coloured_share(film)
    assert share[-100:].mean() > 0.5 * share[:100].mean(), "they are still to be seen"
