"""The baselines answer queries about every scenario, and are what their names say there too."""

import dataclasses
import json
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from painted_discs import painted

import worldsim
from evaluation.ask import ask
from worldsim.answer import camera_json
from worldsim.camera import Camera, camera_of, render
from worldsim.errors import InputError
from worldsim.instruments import track
from worldsim.instruments.mechanics_state import mechanics_state
from worldsim.models import bank as banks
from worldsim.models.baselines import (
    ByScenario,
    ConstantVelocity,
    EnsembleClimatology,
    Frozen,
    NearestInBank,
    load_baseline,
)
from worldsim.models.moving import paste, take_apart
from worldsim.query import Known, Query
from worldsim.scenario import list_scenarios, scenario_class
from worldsim.seeding import Purpose, purpose_of, seed_for
from worldsim.simulator.world import simulate
from worldsim.splits import Split, draw
from worldsim.world_model import WorldModel

FREE_FALL = scenario_class("free_fall")
TEST_SEED = seed_for(Purpose.TEST, 5)
FPS = 20.0


@pytest.fixture(autouse=True)
def _quick(one_thread, tmp_path, monkeypatch):
    monkeypatch.setenv(banks.FOLDER_VARIABLE, str(tmp_path / "cache"))


def continued(frames: np.ndarray, total: int, scenario: str = "collisions",
              fps: float = FPS, model: WorldModel | None = None) -> np.ndarray:
    """(time, row, column, 3): constant velocity's answer to known frames of the overhead view."""
    query = Query(
        scenario, {}, known=(Known("overhead", frames[None]),), cameras=("overhead",),
        size=frames.shape[1:3], fps=fps, duration=total / fps,
    )
    answer = (model or ConstantVelocity()).rollout(query)
    return answer["video/overhead"]["rgb"].values[0, 0]


def lines(start: np.ndarray, velocity: np.ndarray, frames: int) -> np.ndarray:
    """(time, disc, 2) px."""
    return np.asarray(start, float) + np.arange(frames)[:, None, None] * np.asarray(velocity)


# Constant velocity

@pytest.mark.parametrize("velocity", [(0.9, -0.35), (-0.3, 1.7), (0.0, -0.6)])
def test_what_moves_goes_on_at_its_velocity(velocity):
    # One moves; of the others one rests, and one moves the other way.
    start = [(30.0, 25.0), (12.0, 50.0), (47.0, 42.0)]
    places = lines(start, [velocity, (0.0, 0.0), (-velocity[0], -velocity[1])], 16)
    truth = painted(places, 4.0, 64)
    answer = continued(truth[:5], 16)
    np.testing.assert_array_equal(answer[:5], truth[:5])
    # As pixels: what differs is the interpolation at the objects' edges.
    frozen = np.abs(truth[5:].astype(int) - truth[4]).mean()
    assert np.abs(truth[5:].astype(int) - answer[5:]).mean() < 0.15 * frozen
    # As an instrument reads it, over the fresh frames only.
    read = track(answer[5:], FPS)
    position = read["position"].values[0, 0]
    for disc, expected in enumerate(places[5:].swapaxes(0, 1)):
        nearest = np.abs(position[0] - expected[0]).sum(axis=-1).argmin()
        np.testing.assert_allclose(position[:, nearest], expected, atol=0.3)
        speed = (position[-1, nearest] - position[0, nearest]) / (len(position) - 1)
        truly = (places[1] - places[0])[disc]
        assert np.linalg.norm(speed - truly) <= 0.03 * np.linalg.norm(velocity)


def test_simulated_balls_go_on_in_the_line_that_fits_their_known_places_best():
    scenarios = [draw(FREE_FALL, Split.IN_RANGE, TEST_SEED, case) for case in range(3)]
    truth = simulate(scenarios, seed=TEST_SEED, duration=0.6)
    query = worldsim.query(scenarios, context=truth, frames=6, cameras=("side",))
    answer = ConstantVelocity().rollout(query)["video/side"].dataset
    times = np.arange(12) / FPS
    state = mechanics_state(truth, camera_of(truth, "side"), FREE_FALL.size, times)
    position = state["position"].values[:, 0]
    read = track(answer)["position"].values[:, 0]
    for case in range(3):
        for ball in np.flatnonzero(np.isfinite(position[case, 0, :, 0])):
            line = np.polyfit(times[:6], position[case, :6, ball], 1)
            ahead = position[case, 5, ball] + (times[6:, None] - times[5]) * line[0]
            away = np.linalg.norm(read[case, 6:] - ahead[:, None], axis=-1)
            assert np.nanmin(away, axis=1).max() < 0.3


def test_what_leaves_the_picture_is_gone():
    places = lines([(30.0, 50.0)], [(0.0, 2.0)], 5)
    answer = continued(painted(places, 4.0, 64), 30)
    np.testing.assert_array_equal(answer[-1], painted(np.full((1, 1, 2), np.nan), 4.0, 64)[0])


def test_what_was_behind_shows_again():
    start = [(30.0, 30.0), (30.0, 18.0)]
    places = lines(start, [(0.0, 0.0), (0.0, 4.0)], 25)
    truth = painted(places, 5.0, 64)
    assert np.hypot(*(places[5, 1] - places[5, 0])) < 10  # it still covers part of the first
    answer = continued(truth[:6], 25)
    still = painted(places[:1, :1], 5.0, 64)[0]
    # The second has passed and left: the first one is as if nothing had been there.
    seen = track(answer[-1:], FPS)
    assert seen.sizes["object"] == 1
    assert np.abs(answer[-1].astype(int) - still).max() < 60
    assert np.abs(answer[-1].astype(int) - still).mean() < 0.3


def test_nothing_that_moves_is_frozen():
    still = painted(lines([(30.0, 30.0), (12.0, 50.0)], [(0, 0), (0, 0)], 5), 4.0, 64)
    np.testing.assert_array_equal(
        continued(still, 12), continued(still, 12, model=Frozen())
    )
    moving = painted(lines([(30.0, 30.0)], [(1.0, 1.0)], 5), 4.0, 64)
    np.testing.assert_array_equal(
        continued(moving[:1], 12), continued(moving[:1], 12, model=Frozen())
    )
    assert (continued(moving[:2], 12)[-1] != moving[1]).any()


@settings(max_examples=25, deadline=None)
@given(row=st.floats(3, 20), column=st.floats(3, 20), tall=st.integers(1, 6),
       wide=st.integers(1, 6))
def test_pasting_keeps_area_and_centre(row, column, tall, wide):
    canvas = np.zeros((32, 32, 3))
    paste(canvas, np.ones((tall, wide, 4)), np.array([row, column]))
    area = canvas[..., 0]
    assert area.sum() == pytest.approx(tall * wide)
    at = np.arange(32) + 0.5
    assert (area.sum(1) @ at) / area.sum() == pytest.approx(row + tall / 2)
    assert (area.sum(0) @ at) / area.sum() == pytest.approx(column + wide / 2)


def test_pasting_outside_does_nothing():
    canvas = np.ones((8, 8, 3))
    for corner in ((-9.5, 2.0), (2.0, 8.0), (30.0, 30.0)):
        paste(canvas, np.zeros((3, 3, 4)) + 7, np.array(corner))
    assert (canvas == 1).all()


WATER, SAND, BLOCK = (60, 140, 175), (200, 186, 152), (230, 43, 43)


def flood(fronts: np.ndarray) -> np.ndarray:
    """(time, 64, 96, 3): water as far as a column, over sand, and a block in its way."""
    frames = np.empty((len(fronts), 64, 96, 3), dtype=np.uint8)
    for frame, front in zip(frames, fronts, strict=True):
        frame[:] = np.where((np.arange(96) < front)[:, None], WATER, SAND)
        frame[28:38, 60:70] = BLOCK
    return frames


def test_a_wave_goes_on_around_what_stands_in_its_way():
    fronts = 20 + 3 * np.arange(16)
    truth = flood(fronts)
    answer = continued(truth[:5], 16, "dam_break_block", 10.0)
    # The block is not flooded, and the front is where it is in truth.
    assert (answer[:, 28:38, 60:70] == BLOCK).all()
    wet = (answer == WATER).all(axis=-1)[:, 5]
    np.testing.assert_allclose(wet.sum(axis=1), fronts, atol=1)
    still = flood(np.full(5, 40))
    np.testing.assert_array_equal(
        continued(still, 9, "floating", 10.0), continued(still, 9, "floating", 10.0, Frozen())
    )


def test_a_block_moves_on_water_that_stands():
    frames = np.full((5, 64, 96, 3), WATER, dtype=np.uint8)
    for number, frame in enumerate(frames):
        frame[20:30, 30 + 2 * number : 40 + 2 * number] = BLOCK
    assert len(take_apart(frames, water=True).moving) == 1
    answer = continued(frames, 12, "floating", 10.0)
    np.testing.assert_array_equal(answer[11, 22:28, 52 + 2 : 62 - 2], np.broadcast_to(
        np.uint8(BLOCK), (6, 6, 3)))
    assert (answer[11, :, :48] == WATER).all()


@pytest.mark.parametrize("name", ["frozen", "constant-velocity"])
def test_every_scenario_is_continued(name):
    model = load_baseline(name)
    for scenario in list_scenarios():
        camera = scenario_class(scenario).film_cameras[0]
        frames = painted(lines([(30.0, 30.0)], [(0.5, 1.0)], 3), 4.0, 64)
        answer = model.rollout(Query(
            scenario, {}, known=(Known(camera, frames[None]),), cameras=(camera,), size=(64, 64),
            duration=1.0, realizations=2,
        ))
        assert answer[f"video/{camera}"]["rgb"].shape == (1, 2, 5, 64, 64, 3)
        np.testing.assert_array_equal(answer[f"video/{camera}"]["rgb"].values[0, 1, :3], frames)


# Climatology

def told(scenarios, **changes) -> Query:
    codes = [one.codes() for one in scenarios]
    values = {
        "scenario": "free_fall", "cameras": ("side",), "size": (64, 64), "fps": FPS,
        "parameters": {n: np.array([one[n] for one in codes]) for n in codes[0]},
        "duration": 0.5, "cases": len(scenarios), "realizations": 3,
    }
    return Query(**(values | changes))


@pytest.fixture(scope="module")
def fallen():
    return [draw(FREE_FALL, Split.IN_RANGE, TEST_SEED, case) for case in range(2)]


def side(answer) -> np.ndarray:
    return answer["video/side"]["rgb"].values


def test_climatology_shows_training_cases_of_the_same_parameters(fallen):
    answer = load_baseline("climatology").rollout(told(fallen))
    members = json.loads(answer.attrs["members"])
    assert purpose_of(members["seed"])[0] is Purpose.TRAINING
    assert len(set(members["cases"])) == 6
    video = side(answer)
    assert video.shape == (2, 3, 10, 64, 64, 3)
    # The last member of the second case, simulated by hand.
    alone = simulate(fallen[1], seed=members["seed"], case_numbers=members["cases"][5:],
                     duration=0.5)
    np.testing.assert_array_equal(video[1, 2], render(alone, "side")["rgb"].values[0, 0, :10])
    # Other places and colours, but the same fall: parameters are the case's own.
    assert (video[0, 0, 0] != video[0, 1, 0]).any() and (video[0, 1, 0] != video[0, 2, 0]).any()
    for name, values in told(fallen).parameters.items():
        np.testing.assert_array_equal(answer["parameters"][name], values)


def test_climatology_depends_on_case_number_and_seed_but_not_on_company_or_context(fallen):
    model = EnsembleClimatology()
    origin = worldsim.query(fallen, context=simulate(
        fallen, seed=TEST_SEED, duration=0.5, case_numbers=[7, 3])).origin
    both = side(model.rollout(told(fallen, origin=origin)))
    second = dataclasses.replace(origin, cases=(3,))
    frames = np.zeros((1, 2, 64, 64, 3), dtype=np.uint8)
    alone = told(fallen[1:], origin=second, known=(Known("side", frames),))
    np.testing.assert_array_equal(side(model.rollout(alone)), both[1:])
    fewer = dataclasses.replace(alone, realizations=2)
    np.testing.assert_array_equal(side(model.rollout(fewer)), both[1:, :2])
    other = dataclasses.replace(alone, seed=1)
    assert (side(model.rollout(other)) != both[1:]).any(axis=(2, 3, 4, 5)).all()


def test_climatology_at_another_size_and_rate(fallen):
    usual = told(fallen[:1], realizations=1)
    slow = side(EnsembleClimatology().rollout(dataclasses.replace(usual, fps=10.0)))
    np.testing.assert_array_equal(slow, side(EnsembleClimatology().rollout(usual))[:, :, ::2])
    small = dataclasses.replace(usual, size=(32, 40), duration=0.25)
    assert side(EnsembleClimatology().rollout(small)).shape == (1, 1, 5, 32, 40, 3)


def test_climatology_needs_every_parameter(fallen):
    query = told(fallen)
    some = {name: query.parameters[name] for name in query.parameters if name != "gravity"}
    with pytest.raises(InputError, match="needs all of them; tell it 'gravity'"):
        EnsembleClimatology().rollout(dataclasses.replace(query, parameters=some))


def test_the_packaged_summary_answers_for_its_own_scenario_only(fallen):
    class Named:
        def __init__(self, capabilities):
            self.name, self.capabilities = "x", capabilities

        def rollout(self, query):
            return self

        start = rollout

    real = load_baseline("climatology")
    assert isinstance(real, ByScenario)
    own, others = Named(real.own.capabilities), Named(real.others.capabilities)
    both = ByScenario(own, others)
    assert both.rollout(Query("tsunami", {})) is own and both.start(Query("tsunami", {})) is own
    assert both.rollout(told(fallen)) is others
    # Views that the summary lacks are left out, not failed on; first views are all there.
    assert "street" not in both.capabilities.cameras
    firsts = {scenario_class(name).film_cameras[0] for name in list_scenarios()}
    assert firsts <= set(both.capabilities.cameras)
    two = Query("tsunami", {}, cameras=("overhead", "street"), duration=1.0)
    assert list(ask(real, two)["video"].children) == ["overhead"]


# Nearest

@pytest.fixture
def brief(monkeypatch):
    """Free fall that lasts half a second."""
    monkeypatch.setattr(FREE_FALL, "duration", 0.5)


CASES = 5


def asked(index: int, frames: np.ndarray | None = None, **changes) -> Query:
    """A query of which the bank's case `index` is the very answer."""
    drawn = [draw(FREE_FALL, Split.IN_RANGE, seed_for(Purpose.TRAINING, banks.SEED), index)]
    known = () if frames is None else (Known("side", frames[None]),)
    return told(drawn, known=known, **changes)


@pytest.mark.parametrize("changes", [{}, {"size": (40, 48), "fps": 10.0, "duration": 0.4}])
def test_nearest_knows_a_training_case_again(brief, changes):
    model = NearestInBank(cases=CASES)
    seed = seed_for(Purpose.TRAINING, banks.SEED)
    for index in (0, 4):
        query = asked(index, **changes)
        answer = model.rollout(query)
        truth = simulate(draw(FREE_FALL, Split.IN_RANGE, seed, index), seed=seed,
                         case_numbers=[index], duration=0.5)
        filmed = render(truth, "side", size=query.size, fps=query.fps)["rgb"].values[0, 0]
        for member in range(3):
            np.testing.assert_array_equal(side(answer)[0, member], filmed[: query.frames])
        assert json.loads(answer.attrs["training_cases"]) == [index]


def test_appearance_decides_where_nothing_is_told(brief):
    model = NearestInBank(cases=CASES)
    first = side(model.rollout(asked(3)))[0, 0, :1]
    bare = asked(0, first, parameters={})
    assert json.loads(model.rollout(bare).attrs["training_cases"]) == [3]


@pytest.mark.parametrize("harm", ["truncated", "flipped", "empty", "other"])
def test_a_damaged_bank_is_made_again(brief, tmp_path, harm):
    made = []
    model = NearestInBank(cases=2, progress=made.append)
    before = side(model.rollout(asked(1)))
    assert made == [1.0]
    np.testing.assert_array_equal(side(model.rollout(asked(1))), before)
    assert made == [1.0]
    (path,) = (tmp_path / "cache" / "banks").glob("*.bank")
    whole = path.read_bytes()
    content = bytearray(whole)
    if harm == "flipped":
        content[len(content) // 2] ^= 1
    elif harm == "other":  # whole, but of another key
        key = dataclasses.replace(key_of(model), seed=9)
        bank = banks.Bank.load(path, key_of(model))
        dataclasses.replace(bank, key=key).save(path)
        content = path.read_bytes()
    else:
        content = content[: len(content) // 2 if harm == "truncated" else 0]
    path.write_bytes(bytes(content))
    np.testing.assert_array_equal(side(model.rollout(asked(1))), before)
    assert made == [1.0, 1.0] and path.read_bytes() == whole
    assert sorted(p.suffix for p in path.parent.iterdir()) == [".bank", ".lock"]


def key_of(model: NearestInBank) -> banks.BankKey:
    return model._bank(asked(0), "side").key


def test_a_bank_of_other_code_or_another_version_is_not_used(brief, tmp_path, monkeypatch):
    made = []
    model = NearestInBank(cases=1, progress=made.append)
    model.rollout(asked(0))
    monkeypatch.setattr(banks, "code_digest", lambda scenario: "other")
    model.rollout(asked(0))
    monkeypatch.setattr(FREE_FALL, "version", 99)
    model.rollout(asked(0))
    assert made == [1.0] * 3
    assert len(list((tmp_path / "cache" / "banks").glob("*.bank"))) == 3


def test_the_code_digest_is_that_of_the_sources(tmp_path, monkeypatch):
    def digest(scenario):
        banks._digest_of.cache_clear()
        return banks.code_digest(scenario)

    before = digest(FREE_FALL)
    assert before == digest(FREE_FALL)
    # One's own scenario outside a package: its own file counts.
    (tmp_path / "mine.py").write_text("A = 1\n")
    monkeypatch.setattr(banks.inspect, "getfile", _getfile_with(tmp_path / "mine.py"))
    mine = dataclasses.make_dataclass("Mine", [], bases=(FREE_FALL,), frozen=True)
    mine.__module__ = "mine"
    first = digest(mine)
    (tmp_path / "mine.py").write_text("A = 2\n")
    assert digest(mine) != first
    assert digest(FREE_FALL) == before


def _getfile_with(path):
    import inspect

    real = inspect.getfile
    return lambda thing: str(path) if getattr(thing, "__module__", "") == "mine" else real(thing)


def test_two_at_once_make_a_bank_once(brief):
    made = []

    def fetch(_: int) -> banks.Bank:
        camera = Camera.from_json(camera_json("free_fall", "side"))
        return banks.bank(FREE_FALL, camera, size=(16, 16), fps=10.0, duration=0.5, cases=2,
                          progress=made.append)

    with ThreadPoolExecutor(3) as pool:
        found = list(pool.map(fetch, range(3)))
    assert made == [1.0]
    for other in found[1:]:
        np.testing.assert_array_equal(other.video(1), found[0].video(1))


def test_a_cache_that_cannot_be_used_is_named(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv(banks.FOLDER_VARIABLE, str(tmp_path / "file"))
    with pytest.raises(InputError, match="set the environment variable WORLDSIM_CACHE"):
        NearestInBank(cases=1).rollout(asked(0))


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 1000))
def test_films_survive_their_compression(seed):
    video = np.random.default_rng(seed).integers(0, 256, (4, 3, 5, 3)).astype(np.uint8)
    bank = banks.Bank._of(None, np.arange(1), {}, (banks._compressed(video),), video.shape)
    np.testing.assert_array_equal(bank.video(0), video)
    np.testing.assert_array_equal(bank.first[0], video[0])
