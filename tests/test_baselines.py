"""Baselines answer queries, and are what their names say."""

import dataclasses
import json

import numpy as np
import pytest
from evaluation_scenes import CAMERA, PITCH, ROOFS, Member, draw, rollout, within

from evaluation.ask import ask
from scenarios.town_plan import DEBRIS_COLOURS as SCENARIO_COLOURS
from worldsim.camera.markers import DIAMETER_PX
from worldsim.camera.surface import WET_DEPTH as DRAWN_WET_DEPTH
from worldsim.diffusion.clip_files import write_case
from worldsim.diffusion.clips import ClipManifest
from worldsim.errors import InputError
from worldsim.instruments import observe_debris, observe_water
from worldsim.instruments.appearance import DEBRIS_COLOURS, DEBRIS_DIAMETER_PX
from worldsim.instruments.ground import GroundGrid
from worldsim.instruments.state import WET_DEPTH
from worldsim.models.baselines import Climatology, ConstantVelocity, Frozen, Nearest, load_baseline
from worldsim.models.painting import paint
from worldsim.models.summary import TrainingSummary, build_summary, record_observables
from worldsim.query import Known, Query
from worldsim.rollout import video_dataset
from worldsim.scenario import scenario_class
from worldsim.world_model import WorldModel

FPS, DURATION = 5.0, 6.0
TIME = np.arange(30) / FPS
MOVING = Member(speed=8.0, start=-1.0)
"""Already moving in the first frame, so that five frames tell its velocity."""

TRAINING = [Member(speed=s, start=1.0, debris=((60.0 + 4 * s, 50.0),), drift=((s, 0.5),))
            for s in (4.0, 6.0, 8.0, 10.0, 12.0)]
HEIGHTS = np.array([2.0, 3.0, 4.0, 5.0, 6.0])


def summary_of(members: list[Member], building: list[int]) -> TrainingSummary:
    truth = rollout([[m] for m in members], duration=DURATION)
    kept = record_observables(truth)
    return TrainingSummary(
        "tsunami", scenario_class("tsunami").version, 3, json.dumps(CAMERA), FPS,
        np.arange(len(members)),
        {"wave_height": HEIGHTS, "street_elevation": np.full(5, 2.0),
         "building": np.array(building, dtype=float)},
        truth["video/overhead"]["rgb"].values[:, 0, 0],
        np.unpackbits(kept["wet"], axis=-1)[:, :30].astype(bool), kept["debris"][:, :30],
    )


@pytest.fixture(scope="module")
def summary() -> TrainingSummary:
    return summary_of(TRAINING, [0, 0, 0, 1, 1])


def question(first: np.ndarray, *, height: float = 4.2, building: int = 0, realizations: int = 2,
             cameras: tuple[str, ...] = ("overhead",), **changes) -> Query:
    """A query whose known frames are those of `first` (time, row, column, 3), in every camera."""
    values = {
        "scenario": "tsunami", "cameras": cameras, "duration": DURATION, "fps": FPS,
        "parameters": {"wave_height": np.array([height]), "building": np.array([building])},
        "known": tuple(Known(camera, first[None]) for camera in cameras),
        "realizations": realizations,
    }
    return Query(**(values | changes))


@pytest.fixture(scope="module")
def known() -> np.ndarray:
    return draw(MOVING, TIME[:5])


def test_constants_are_the_renderers():
    np.testing.assert_array_equal(DEBRIS_COLOURS, SCENARIO_COLOURS)
    assert DEBRIS_DIAMETER_PX == DIAMETER_PX
    assert WET_DEPTH == DRAWN_WET_DEPTH


def test_frozen_repeats_the_last_known_frame_of_every_camera(known):
    answer = Frozen().rollout(question(known, cameras=("overhead", "street")))
    for camera in ("overhead", "street"):
        rgb = answer[f"video/{camera}"]["rgb"].values
        assert rgb.shape == (1, 2, 30, 64, 96, 3)
        np.testing.assert_array_equal(rgb[0, 1, :5], known)
        assert (rgb[0, 0, 5:] == known[-1]).all()
    assert answer.attrs["kind"] == "generated" and answer.attrs["model"] == "baseline:frozen"


def test_constant_velocity_is_right_about_what_moves_uniformly(known):
    answer = ConstantVelocity().rollout(question(known))
    video = answer["video/overhead"].dataset
    np.testing.assert_array_equal(video["rgb"].values[0, 0, :5], known)
    places = observe_debris(video)["position"].values[0, 0, :, :3]
    error = np.linalg.norm(places - MOVING.places(TIME), axis=-1)
    assert np.median(error) < PITCH / 2
    front = observe_water(video)["front_position"].values[0, 0]
    assert np.abs(front - MOVING.front(TIME)).max() < 4 * PITCH
    # Painted water leaves standing roofs dry.
    wet = observe_water(video)["wet"].values[0, 0, -1]
    assert MOVING.front(TIME)[-1] > ROOFS[0, 0] + 4 and not wet[within(ROOFS[0])].any()


def test_constant_velocity_of_a_still_scene_is_frozen():
    still = draw(Member(speed=0.0, drift=((0.0, 0.0),) * 3), TIME[:5])
    video = ConstantVelocity().rollout(question(still))["video/overhead"].dataset
    wet = observe_water(video)["wet"].values
    assert (wet == wet[:, :, :1]).all()
    places = observe_debris(video)["position"].values[0, 0, :, :3]
    assert np.abs(places - places[:1]).max() < 0.2 * PITCH


@pytest.mark.parametrize("model", [Frozen(), ConstantVelocity()])
def test_continuing_needs_known_frames(model, known):
    with pytest.raises(InputError, match="give context frames"):
        model.rollout(question(known, known=()))


def test_climatology_takes_the_nearest_parameters_of_the_same_choice(summary, known):
    answer = Climatology(summary).rollout(question(known, height=4.2, building=0))
    front = observe_water(answer["video/overhead"].dataset)["front_position"].values[0]
    # Waves of 4 and 3 m: the one of 5 m is nearer than 3 m, but of another building type.
    for member, index in enumerate((2, 1)):
        assert np.abs(front[member] - TRAINING[index].front(TIME)).max() < 1.5 * PITCH
    other = Climatology(summary).rollout(question(known, height=4.2, building=1, realizations=1))
    seen = observe_water(other["video/overhead"].dataset)["front_position"].values[0, 0]
    assert np.abs(seen - TRAINING[3].front(TIME)).max() < 1.5 * PITCH


def test_climatology_ignores_the_picture(summary, known):
    pictured = Climatology(summary).rollout(question(known))
    blind = Climatology(summary).rollout(question(known, known=()))
    np.testing.assert_array_equal(
        pictured["video/overhead"]["rgb"], blind["video/overhead"]["rgb"]
    )


def test_nearest_knows_a_training_case_again(summary):
    for index, member in enumerate(TRAINING):
        first = draw(member, TIME[:5])
        answer = Nearest(summary).rollout(
            question(first, height=float(HEIGHTS[index]), building=[0, 0, 0, 1, 1][index])
        )
        video = answer["video/overhead"].dataset
        places = observe_debris(video)["position"].values[0, 0, :, 0]
        np.testing.assert_allclose(places, member.places(TIME)[:, 0], atol=0.3 * PITCH)
        assert (video["rgb"].values[:, 0] == video["rgb"].values[:, 1]).all()


def test_appearance_decides_between_equal_parameters(summary):
    first = draw(TRAINING[4], TIME[:5])
    equal = {name: np.full(5, values[0]) for name, values in summary.parameters.items()}
    alike = dataclasses.replace(summary, parameters=equal)
    answer = Nearest(alike).rollout(question(first, height=2.0))
    front = observe_water(answer["video/overhead"].dataset)["front_position"].values[0, 0]
    assert np.abs(front - TRAINING[4].front(TIME)).max() < 1.5 * PITCH


def test_a_query_without_parameters_is_answered(summary, known):
    bare = question(known, parameters={})
    for model in (Climatology(summary), Nearest(summary)):
        assert model.rollout(bare)["video/overhead"].sizes["time"] == 30


def test_asking_leaves_out_the_views_that_a_model_lacks(summary, known):
    both = question(known, cameras=("overhead", "street"))
    with pytest.raises(InputError, match="cannot show camera 'street'"):
        Nearest(summary).rollout(both)
    assert list(ask(Nearest(summary), both)["video"].children) == ["overhead"]
    assert list(ask(Frozen(), both)["video"].children) == ["overhead", "street"]


def test_the_summary_refuses_what_it_does_not_know(summary, known):
    with pytest.raises(InputError, match="knows 6 s"):
        Nearest(summary).rollout(question(known, duration=8.0))
    with pytest.raises(InputError, match="knows 5 training rollouts"):
        Climatology(summary).rollout(question(known, realizations=6))
    with pytest.raises(InputError, match="version 9"):
        Nearest(dataclasses.replace(summary, version=9)).rollout(question(known))
    with pytest.raises(InputError, match="unknown baseline"):
        load_baseline("frosen")


def test_streams_give_the_rollout_frame_by_frame(summary, known):
    asked = question(known)
    for model in (Frozen(), ConstantVelocity(), Climatology(summary), Nearest(summary)):
        assert isinstance(model, WorldModel)
        whole = model.rollout(asked)["video/overhead"]["rgb"].values
        stream = model.start(asked)
        for k in range(7):
            np.testing.assert_array_equal(stream.step()["overhead"][:, :, 0], whole[:, :, k])


def test_painting_is_read_back(summary):
    grid = GroundGrid.of(video_dataset(summary.first[None, None, :1], FPS, json.dumps(CAMERA)))
    wet, debris = summary.wet[2], summary.debris[2]
    video = paint(summary.first[2], wet, debris, grid)[None, None]
    painted = video_dataset(video, FPS, json.dumps(CAMERA))
    assert (observe_water(painted)["wet"].values[0, 0, :, ::-1] != wet).mean() < 0.003
    error = np.linalg.norm(observe_debris(painted)["position"].values[0, 0] - debris, axis=-1)
    assert np.nanmedian(error) < 0.25 * PITCH
    assert not observe_debris(painted)["seen"].values[0, 0, :, 1:].any()


def test_a_summary_survives_its_file(summary, tmp_path):
    summary.save(tmp_path / "summary.npz")
    again = TrainingSummary.load(tmp_path / "summary.npz")
    for field in ("case", "first", "wet"):
        np.testing.assert_array_equal(getattr(again, field), getattr(summary, field))
    np.testing.assert_allclose(again.debris, summary.debris, atol=0.051)
    np.testing.assert_array_equal(np.isnan(again.debris), np.isnan(summary.debris))
    assert {n: v.tolist() for n, v in again.parameters.items()} == {
        n: v.tolist() for n, v in summary.parameters.items()
    }


@pytest.mark.parametrize("harm", ["truncated", "flipped", "missing"])
def test_a_damaged_summary_is_refused(summary, tmp_path, harm):
    path = tmp_path / "summary.npz"
    summary.save(path)
    content = bytearray(path.read_bytes())
    if harm == "truncated":
        content = content[: len(content) // 2]
    elif harm == "flipped":
        content[len(content) // 2] ^= 0xFF
    path.write_bytes(bytes(content))
    if harm == "missing":
        path.unlink()
    with pytest.raises(InputError, match="missing" if harm == "missing" else "damaged"):
        TrainingSummary.load(path)


def test_a_summary_of_clips_is_the_same_from_state_and_from_pictures(tmp_path):
    truth = rollout([[m] for m in TRAINING[:2]], duration=DURATION)
    kept = record_observables(truth)
    film = truth["video/overhead"]["rgb"].values[:, 0]
    parameters = {"wave_height": 3.0, "street_elevation": 2.0, "building": 1.0}
    built = []
    for name, further in (("state", kept), ("pictures", {})):
        folder = tmp_path / name
        ClipManifest("tsunami", 1, 3, {"overhead": json.dumps(CAMERA)}, FPS, DURATION).write(folder)
        for case in range(2):
            write_case(folder, case, parameters,
                       {"overhead": film[case]} | {n: v[case] for n, v in further.items()})
        built.append(build_summary(folder))
    from_state, from_pictures = built
    assert from_state.wet.shape == from_pictures.wet.shape == (2, 30, 64, 96)
    assert (from_state.wet != from_pictures.wet).mean() < 0.01
    error = np.linalg.norm(from_state.debris - from_pictures.debris, axis=-1)
    assert np.nanmedian(error) < 0.25 * PITCH
    np.testing.assert_array_equal(np.isnan(from_state.debris), np.isnan(from_pictures.debris))
    with pytest.raises(InputError, match="no finished case"):
        build_summary(tmp_path / "state", cases=[])
