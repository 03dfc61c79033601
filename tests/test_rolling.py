"""Paths rolled frame by frame, against what is solved exactly; and readings smoothed by laws."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
import torch

from worldsim.diffusion.observables import NUMBERS
from worldsim.diffusion.rolling import (
    EXACT,
    SLOW,
    WEAK,
    Given,
    Moving,
    Pace,
    pushed_ways,
    rolled,
)

FRAMES, GROUPS, STEP = 5, 4, 0.05
SECONDS = torch.tensor([FRAMES * STEP])
NATIVE = torch.tensor([STEP])


def given(place: torch.Tensor, known: list[int], push: torch.Tensor | None = None,
          noise: float = 0.0, step: float = STEP) -> tuple[Given, Pace]:
    """Bodies (E, T) that move alike in all numbers, of which some groups are known."""
    bodies = len(place)
    frames = place[:, :, None].expand(-1, -1, NUMBERS).unflatten(1, (-1, FRAMES))[None]
    which = torch.zeros(1, bodies, frames.shape[2], dtype=torch.bool)
    which[:, :, known] = True
    push = torch.zeros(1, bodies, frames.shape[2], 5) if push is None else push
    seconds = torch.tensor([FRAMES * step])
    pace = Pace.of(torch.tensor([step]), NATIVE)
    extra = torch.ones(1, bodies, frames.shape[2], 4)
    seen = torch.where(which[..., None, None], frames, 7.0)
    return Given(seen, extra, which, pushed_ways(push, seconds, FRAMES, 1),
                 pushed_ways(push, seconds, FRAMES, pace.each), torch.tensor([noise])), pace


def falling(acceleration: float):
    """Constant acceleration, whatever the state."""
    def accelerate(moving: Moving, since: torch.Tensor) -> torch.Tensor:
        return torch.full_like(moving.place, acceleration * STEP**2)
    return accelerate


def times(groups: int = GROUPS, step: float = STEP) -> torch.Tensor:
    return torch.arange(groups * FRAMES) * step


@pytest.mark.parametrize("known", [[0], [3], [1], [0, 3], [0, 1]])
@pytest.mark.parametrize("step", [STEP, 2 * STEP, STEP / 2, 0.04])
def test_free_fall_is_exact_forwards_and_backwards_at_any_rate(known, step):
    time = times(step=step)
    place = (0.5 + 1.2 * time - 4.5 * time**2)[None] * 0.1
    one, pace = given(place, known, step=step)
    found = rolled(one, pace, falling(-9.0 * 0.1), ahead=True)
    torch.testing.assert_close(found[0, 0, ..., 4].flatten(), place[0], rtol=0, atol=2e-5)


def test_what_swings_does_so_exactly_with_the_stiffness_of_the_step():
    rate = 11.0
    place = (0.2 + 0.3 * torch.cos(rate * times() + 0.4))[None]
    stiffness = 2 * (1 - math.cos(rate * STEP))

    def accelerate(moving: Moving, since: torch.Tensor) -> torch.Tensor:
        return stiffness * (0.2 - moving.place)

    for known in ([0], [3]):
        found = rolled(*given(place, known), accelerate, ahead=True)
        torch.testing.assert_close(found[0, 0, ..., 0].flatten(), place[0], rtol=0, atol=1e-5)


def test_later_groups_are_looked_at_only_where_they_may_be_and_nothing_known_is_nothing():
    place = (0.1 * times())[None]
    found = rolled(*given(place, [2]), falling(0.0), ahead=False)[0, 0, ..., 0]
    assert not found[:2].any()
    torch.testing.assert_close(found[2:].flatten(), place[0, 2 * FRAMES:])
    assert not rolled(*given(place, []), falling(0.0), ahead=True).any()


@pytest.mark.parametrize("group, at", [(0, 0.5), (1, 0.0), (1, 0.7), (3, 0.3)])
@pytest.mark.parametrize("known", [0, 3])
@pytest.mark.parametrize("step", [STEP, 2 * STEP])
def test_pushes_bend_free_flight_exactly(group, at, known, step):
    """Forwards from a known group before the push or around it, and backwards from one after."""
    when, velocity = (group + at) * FRAMES * step, torch.tensor([0.8, -0.4, 1.2])
    push = torch.zeros(1, 1, GROUPS, 5)
    push[0, 0, group] = torch.cat([torch.tensor([1.0, at]), velocity])
    time = times(step=step)
    if group == known:  # the last three frames show where it goes: the push lies before them
        when = time[known * FRAMES + (1 if known == 0 else 2)]
        push[0, 0, group, 1] = when / (FRAMES * step) - group
    one, pace = given((0.2 * time)[None], [known], push, step=step)
    way = (time - when).clamp_min(0)[:, None] * velocity
    frames = 0.2 * time[:, None] + torch.nn.functional.pad(way, (0, 6))
    true = frames.unflatten(0, (GROUPS, FRAMES))[None, None]
    one = dataclasses.replace(one, frames=torch.where(one.known[..., None, None], true, 0.0))
    found = rolled(one, pace, lambda moving, since: torch.zeros_like(moving.place), ahead=True)
    torch.testing.assert_close(found, true, rtol=1e-5, atol=1e-5)


def test_bodies_that_are_known_all_along_are_where_they_are_for_the_others():
    """A body that is drawn to another one, which is known."""
    place = torch.stack([torch.zeros(GROUPS * FRAMES), torch.sin(3 * times())])
    one, pace = given(place, [0])
    one.known[:, 1] = True
    one = dataclasses.replace(one, frames=place[:, :, None].expand(-1, -1, NUMBERS).unflatten(
        1, (-1, FRAMES))[None].clone())
    seen, went = [], []

    def accelerate(moving: Moving, since: torch.Tensor) -> torch.Tensor:
        if moving.place.shape[1] == 1:
            seen.append(float(moving.place[0, 0, 1, 0]))
            went.append(float(moving.way[0, 0, 1, 0]))
        pull = 0.1 * (moving.place[:, :, 1:] - moving.place)
        return pull * torch.tensor([1.0, 0.0])[:, None]

    found = rolled(one, pace, accelerate, ahead=True)
    np.testing.assert_allclose(seen, place[1, FRAMES - 1:-1], atol=1e-6)
    np.testing.assert_allclose(went, place[1, FRAMES - 2:-1].diff(), atol=1e-6)
    torch.testing.assert_close(found[0, 1], one.frames[0, 1])
    first, way, wanted = 0.0, 0.0, []
    for target in place[1, FRAMES - 1:-1].tolist():
        way += 0.1 * (target - first)
        first += way
        wanted.append(first)
    np.testing.assert_allclose(found[0, 0, 1:, :, 0].flatten(), wanted, atol=1e-5)


def test_readings_are_smoothed_as_far_as_the_laws_allow():
    """Known frames with noise: what is rolled from them scatters as a straight line through five
    points does (Draper & Smith 1998, section 1.4), not as the difference of the last two."""
    generator, noise, count = torch.Generator().manual_seed(0), 0.01, 4000
    time = times()
    true = 0.4 * time - 2.0 * time**2
    seen = true.expand(count, -1) + noise * torch.randn(count, len(time), generator=generator)
    one, pace = given(seen, [0], noise=noise)
    last = rolled(one, pace, falling(-4.0), ahead=True)[0, :, -1, -1, 0] - true[-1]
    ahead = len(time) - 1 - (FRAMES - 1) / 2
    wanted = noise * math.sqrt(1 / FRAMES + ahead**2 / 10)
    kept = noise**2 / (noise**2 + EXACT**2)
    assert float(last.std()) == pytest.approx(kept * wanted, rel=0.08)
    assert abs(float(last.mean())) < 4 * wanted / math.sqrt(count)
    exact, pace = given(seen, [0], noise=0.0)
    last = rolled(exact, pace, falling(-4.0), ahead=True)[0, :, -1, -1, 0] - true[-1]
    assert float(last.std()) == pytest.approx(noise * math.sqrt(16**2 + 15**2), rel=0.05)


def test_rolled_bodies_stay_where_numbers_mean_something():
    place = (3.0 * times())[None]
    found = rolled(*given(place, [0]), falling(1e4), ahead=True)
    assert bool(found.isfinite().all()) and float(found.abs().max()) <= 4.0


def resting(acceleration: float, way: float = 0.0, noise: float = 0.0,
            push: torch.Tensor | None = None) -> torch.Tensor:
    """Places at the end of groups of a body that is known to go `way` in a frame, under laws that
    say a second difference."""
    place = (way * torch.arange(GROUPS * FRAMES))[None]
    one, pace = given(place, [0], push=push)

    def accelerate(moving: Moving, since: torch.Tensor) -> torch.Tensor:
        return torch.full_like(moving.place, acceleration)

    one = dataclasses.replace(one, noise=torch.tensor([noise]))
    with torch.no_grad():
        return rolled(one, pace, accelerate, ahead=False)[0, 0, :, -1, 0]


def test_what_rests_does_not_creep_and_what_is_slow_goes_on():
    assert not resting(0.5 * WEAK)[1:].any()
    assert float(resting(1.5 * WEAK)[-1]) > 0.02, "a weak force still moves it"
    assert float(resting(0.0, way=2 * SLOW)[-1]) == pytest.approx(2 * SLOW * 19, rel=1e-3)
    held = resting(0.0, way=0.5 * SLOW)
    assert float(held[-1]) == pytest.approx(float(held[0])), "it was as good as still"
    assert float(resting(0.0, way=2 * SLOW, noise=2 * SLOW)[-1]) < 2 * SLOW * 6, "read, not known"
    push = torch.zeros(1, 1, GROUPS, 5)
    push[..., 2, :] = torch.tensor([1.0, 0.0, 0.4, 0.0, 0.0])
    pushed = resting(0.0, push=push)
    assert not pushed[:2].any() and float(pushed[-1]) == pytest.approx(0.4 * 0.45, rel=0.15)


def test_laws_learn_to_hold_still_themselves():
    push = torch.tensor(0.5 * WEAK, requires_grad=True)
    one, pace = given(torch.zeros(1, GROUPS * FRAMES), [0])
    found = rolled(one, pace, lambda moving, since: push.expand_as(moving.place), ahead=False)
    found.sum().backward()
    assert float(push.grad) > 0
