"""Inspections of painted videos: what breaks physics is said, and what does not is not."""

import numpy as np
import pytest

from worldsim.errors import InputError
from worldsim.inspection import Candidate, Kind, Rule, inspect
from worldsim.inspection.jolts import FLIGHT, STEADY, jolts
from worldsim.inspection.sureness import MARGIN, calibrated

FPS = 20.0
RED, BLUE = (214, 40, 40), (36, 84, 214)
RADIUS = 4.0


def painted(*discs, rows=64, columns=64, front=None):
    """Discs (path (time, 2) px, NaN where gone; colour) on grey, and a bar of columns in front."""
    fine = 4
    row, column = (np.arange(n * fine) / fine + 0.5 / fine for n in (rows, columns))
    frames = []
    for frame in range(len(discs[0][0])):
        picture = np.full((rows * fine, columns * fine, 3), 150.0)
        for path, colour in discs:
            place = path[frame]
            inside = np.hypot(row[:, None] - place[0], column[None] - place[1]) <= RADIUS
            picture[inside] = colour
        if front is not None:
            picture[:, (column >= front[0]) & (column < front[1])] = 90.0
        picture = picture.reshape(rows, fine, columns, fine, 3).mean(axis=(1, 3))
        frames.append(picture.round().astype(np.uint8))
    return np.stack(frames)


def straight(start, velocity, frames=40):
    return np.array(start) + np.arange(frames)[:, None] * np.array(velocity, dtype=float)


def thrown(frames=40):
    """Across the picture on a parabola that stays in it."""
    time = np.arange(frames)
    return np.stack([50 - 2.0 * time + 0.05 * time**2, 8 + 1.2 * time], axis=-1)


def kinds(video, fps=FPS):
    return [(one.kind, round(one.frame)) for one in inspect(video, fps).findings]


@pytest.mark.parametrize("what", [
    pytest.param([(thrown(), RED)], id="a throw"),
    pytest.param([(straight((20, 5), (0.4, 1.3)), RED), (straight((44, 60), (-0.3, -1.2)), BLUE)],
                 id="two that pass"),
    pytest.param([(straight((30, 40), (0, 1.5)), RED), (straight((50, 20), (0, 0)), BLUE)],
                 id="leaving the picture"),
    pytest.param([(straight((32, -12), (0.1, 1.5)), RED)], id="entering it"),
])
def test_quiet_where_nothing_is_wrong(what):
    assert inspect(painted(*what), FPS).findings == ()


def test_quiet_behind_a_bar():
    video = painted((straight((32, 6), (0, 1.4)), RED), front=(26, 40))
    found = inspect(video, FPS)
    assert found.findings == () and found.objects >= 1


def test_quiet_when_two_collide():
    one = np.concatenate([straight((32, 5), (0, 1.5), 15), straight((32, 26), (0, 0), 25)])
    other = np.concatenate([straight((32, 34.2), (0, 0), 15), straight((32, 34.2), (0, 1.0), 25)])
    assert inspect(painted((one, RED), (other, BLUE)), FPS).findings == ()


@pytest.mark.parametrize("share", [0.1, 0.2])
def test_a_teleport_is_found_where_and_when_it_is(share):
    path = thrown()
    path[20:, 0] += 64 * share
    (found,) = inspect(painted((path, RED)), FPS).findings
    assert found.kind is Kind.TELEPORT and found.colour == "red"
    assert abs(found.frame - 19.5) <= 1.0 and found.time == pytest.approx(found.frame / FPS)
    assert found.amount == pytest.approx(64 * share, rel=0.15)
    np.testing.assert_allclose(found.place, path[20], atol=1.5)
    assert 0.5 < found.sure < 1.0


def test_what_vanishes_and_what_appears_is_found():
    path = thrown()
    gone = path.copy()
    gone[22:] = np.nan
    assert kinds(painted((gone, RED), (straight((10, 10), (0, 0)), BLUE))) == [(Kind.VANISHING, 22)]
    come = path.copy()
    come[:16] = np.nan
    assert kinds(painted((come, RED), (straight((10, 50), (0, 0)), BLUE))) == [(Kind.APPEARING, 15)]


def test_a_jolt_in_the_air_is_found():
    path = thrown()
    path[20:, 1] -= np.arange(1, 21) * 1.0
    found = inspect(painted((path, RED)), FPS).findings
    assert [one.kind for one in found] == [Kind.IMPOSSIBLE_ACCELERATION]
    assert abs(found[0].frame - 19.5) <= 1.0


def test_the_mirror_image_gives_the_same_findings():
    path = thrown()
    path[18:, 0] += 7
    video = painted((path, RED), (straight((55, 55), (0, -0.5)), BLUE))
    one, other = (inspect(v, FPS).findings for v in (video, video[:, :, ::-1]))
    assert len(one) == len(other) == 1
    assert one[0].kind is other[0].kind
    assert one[0].frame == pytest.approx(other[0].frame, abs=0.25)
    assert one[0].amount == pytest.approx(other[0].amount, rel=0.02)
    assert one[0].place[0] == pytest.approx(other[0].place[0], abs=0.1)
    assert one[0].place[1] == pytest.approx(64 - other[0].place[1], abs=0.1)


def test_what_cannot_be_told_is_said():
    empty = inspect(np.full((20, 48, 48, 3), 120, dtype=np.uint8), FPS)
    assert empty.objects == 0 and "could be followed" in empty.untold[0]
    brief = inspect(painted((thrown(3), RED)), FPS)
    assert brief.findings == () and "3 frames" in brief.untold[0]
    unscaled = inspect(painted((thrown(), RED)), FPS)
    assert any("gravity" in text for text in unscaled.untold)


def test_what_is_no_video_is_refused():
    with pytest.raises(InputError, match=r"give \(time, row, column, 3\)"):
        inspect(np.zeros((10, 32, 32), dtype=np.uint8), FPS)
    with pytest.raises(InputError, match="uint8"):
        inspect(np.zeros((10, 32, 32, 3)), FPS)
    with pytest.raises(InputError, match="fps"):
        inspect(painted((thrown(), RED)), 0.0)


@pytest.mark.parametrize("at", [18.1, 19.5, 20.9])
def test_a_jolt_has_the_instant_and_the_velocities_it_was_made_with(at):
    time = np.arange(40.0)
    was, jump, bend = np.array([0.8, -1.1]), np.array([0.3, 0.5]), np.array([0.02, 0.0])
    late = np.maximum(time - at, 0)[:, None]
    path = 5 + time[:, None] * was + time[:, None] ** 2 * bend / 2 + late * jump
    path += np.random.default_rng(3).normal(0, 0.01, path.shape)
    (one,) = jolts(path, np.ones(40, dtype=bool), 0.02, STEADY)
    assert one.frame == pytest.approx(at, abs=0.25)
    np.testing.assert_allclose(one.before, was + bend * at, atol=0.03)
    np.testing.assert_allclose(one.after, was + bend * at + jump, atol=0.03)


@pytest.mark.parametrize("curves, bend", [(STEADY, 0.05), (FLIGHT, 0.0)])
def test_smooth_motion_and_noise_have_no_jolts(curves, bend):
    rng = np.random.default_rng(5)
    time = np.arange(60.0)[:, None]
    for _ in range(5):
        path = time * rng.normal(0, 2, 2) + time**2 * bend * rng.normal(0, 1, 2)
        path += rng.normal(0, 0.03, path.shape)
        assert all(one.strength < 6 for one in jolts(path, np.ones(60, dtype=bool), 0.03, curves))


def test_thresholds_are_above_all_true_videos_and_say_how_many():
    videos = [{"jump": 0.1 * k} for k in range(40)] + [{}] * 60
    measure = calibrated(videos)
    assert measure.threshold["jump"] == pytest.approx(MARGIN * 3.9)

    def sure(score):
        return measure.of(Candidate(Rule.JUMP, Kind.TELEPORT, 3.0, 0, (1.0, 2.0), 5.0, "px", score))

    assert sure(3.9) is None
    # Beyond what was seen, surer the further.
    assert 100 / 101 <= sure(6.0) < sure(10.0) < sure(100.0) < 1.0
