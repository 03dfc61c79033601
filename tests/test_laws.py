"""Laws: from parameters and known states to paths, in single precision."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
from tiny_network import inputs, network

from worldsim.diffusion.conditioning import ParameterSpec, encode_parameters
from worldsim.diffusion.laws import Laws
from worldsim.diffusion.motion import EXTRA
from worldsim.diffusion.objective import (
    BLOW,
    HARDEST,
    LAWS_TURNS,
    NEXT,
    laws_loss,
    next_frames_loss,
)
from worldsim.diffusion.observables import BODIES, ENTITIES, NUMBERS
from worldsim.diffusion.sequence import Condition, States

SPECS = (ParameterSpec("gravity", "m/s2", 6.0, 12.0), ParameterSpec("count", "1", 1.0, 3.0))
FRAMES, GROUPS, SECONDS = 5, 3, 0.25
STEP = SECONDS / FRAMES


def made(scenarios: int = 1, lively: bool = False) -> Laws:
    """Laws without force, or with any."""
    torch.manual_seed(0)
    laws = Laws(2, 7, scenarios, len(ENTITIES))
    laws.log_half[:2] = torch.tensor([spec.log_half for spec in SPECS])
    if lively:
        torch.nn.init.normal_(laws.act, std=0.3)
        torch.nn.init.normal_(laws.of_scenario, std=0.1)
    return laws


def states_of(frames: torch.Tensor, known: int = 0) -> States:
    """States of bodies (B, E, T, 9) of which one group is known."""
    numbers = torch.nn.functional.pad(frames.unflatten(2, (-1, FRAMES)).flatten(-2), (0, EXTRA),
                                      value=1.0)
    batch, bodies, groups = numbers.shape[:3]
    which = torch.zeros(batch, bodies, groups)
    which[..., known] = 1
    return States(torch.zeros(batch, bodies, dtype=torch.long), numbers, torch.ones_like(numbers),
                  which, torch.zeros(batch, groups), torch.zeros(batch, bodies, groups, 5))


def falls(gravity: np.ndarray, rng: np.random.Generator) -> States:
    """Bodies that fall from random places at random speeds."""
    time = np.arange(GROUPS * FRAMES) * STEP
    height, speed = rng.uniform(-1, 1, (2, len(gravity), 1))
    # Halves of 2 m are the unit of length, as pictures of 4 m have it.
    place = (height + speed * time - gravity[:, None] * time**2 / 4).astype(np.float32)
    return states_of(torch.from_numpy(place)[:, None, :, None].repeat(1, 1, 1, NUMBERS))


def several(count: int = 4, bodies: int = 3, seed: int = 0) -> States:
    """Scenes of bodies that go straight."""
    generator = torch.Generator().manual_seed(seed)
    place, way = torch.randn(2, count, bodies, 1, NUMBERS, generator=generator) * 0.3
    return states_of(place + way * 0.2 * torch.arange(GROUPS * FRAMES)[:, None] * STEP)


def telling(scenario: list[int], gravity: np.ndarray, **more: np.ndarray) -> Condition:
    """A condition of which the laws read the parameters and the scenario."""
    count = len(gravity)
    nothing = torch.zeros(count)
    return Condition(
        torch.tensor(scenario), torch.zeros(count, 0, GROUPS, dtype=torch.long),
        encode_parameters(SPECS, {"gravity": gravity, **more}, count), nothing, nothing, nothing,
        torch.full((count,), SECONDS))


def test_laws_begin_without_force():
    states = several()
    found = made()(telling([0] * 4, np.full(4, 9.0)), states, True)
    torch.testing.assert_close(found[..., :-EXTRA], states.numbers[..., :-EXTRA], rtol=0,
                               atol=1e-5)
    assert torch.equal(found[..., -EXTRA:], states.numbers[..., -EXTRA:])


def test_gravity_is_learned_to_a_percent_from_falls_and_holds_at_all_times():
    laws, rng = made(), np.random.default_rng(1)
    optimiser = torch.optim.Adam(laws.parameters(), lr=2e-3)
    steps = 500
    for step in range(steps):
        optimiser.param_groups[0]["lr"] = 2e-3 * (1 - step / steps)
        gravity = rng.uniform(6, 12, 64)
        states = falls(gravity, rng)
        loss = laws_loss(laws(telling([0] * 64, gravity), states, True), states, states.numbers)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    gravity = np.array([6.5, 9.0, 11.5])
    with torch.no_grad():
        said = laws(telling([0] * 3, gravity), falls(gravity, rng), True)
    height = said[..., :-EXTRA].unflatten(-1, (FRAMES, NUMBERS))[:, 0, 1:, :, 2].flatten(1)
    time = np.arange(height.shape[1]) * STEP
    fitted = [-4 * np.polyfit(time, one.double().numpy(), 2)[0] for one in height]
    np.testing.assert_allclose(fitted, gravity, rtol=0.01)


def test_what_is_told_as_a_logarithm_is_known_in_proportion_to_itself_too():
    gravity = np.array([6.0, 9.0, 12.0, 18.0, np.nan])
    every = made().every(telling([0] * 5, gravity).told).unflatten(-1, (3, 9))
    told, straight = every[:, 0, 0], every[:, 0, 1]
    assert told.tolist() == [1, 1, 1, 1, 0] and not every[:, 1:].any()
    torch.testing.assert_close(straight, torch.tensor([-1.0, 0.0, 1.0, 3.0, 0.0]), atol=1e-5,
                               rtol=1e-5)


def test_alike_bodies_are_treated_alike_and_what_is_not_there_does_nothing():
    laws, states, told = made(lively=True), several(), telling([0] * 4, np.full(4, 9.0))
    found = laws(told, states, True)
    turn = [2, 0, 1]
    other = laws(told, dataclasses.replace(states, numbers=states.numbers[:, turn]), True)
    torch.testing.assert_close(other, found[:, turn], rtol=1e-5, atol=1e-5)

    def without(place: float) -> torch.Tensor:
        numbers = states.numbers.clone()
        numbers[:, 2, :, :-EXTRA], numbers[:, 2, :, -1] = place, -1.0
        return laws(told, dataclasses.replace(states, numbers=numbers), True)[:, :2]

    torch.testing.assert_close(without(0.1), without(0.8), rtol=0, atol=0)
    assert not torch.allclose(without(0.1), found[:, :2], atol=1e-3), "the others hear of it"


def test_every_scenario_has_its_own_laws_in_whatever_order_they_come():
    laws, states = made(scenarios=3, lively=True), several()
    gravity = np.array([6.0, 8.0, 10.0, 12.0])

    def alone(row: int, scenario: int) -> torch.Tensor:
        one = dataclasses.replace(states, **{
            field.name: getattr(states, field.name)[row:row + 1]
            for field in dataclasses.fields(states) if getattr(states, field.name) is not None})
        return laws(telling([scenario], gravity[row:row + 1]), one, True)

    for scenarios in ([1, 1, 2, 2], [2, 0, 2, 1], [0, 0, 0, 1], [1, 1, 1, 1]):
        found = laws(telling(scenarios, gravity), states, True)
        torch.testing.assert_close(
            found, torch.cat([alone(row, s) for row, s in enumerate(scenarios)]), rtol=1e-4,
            atol=1e-5)
    assert not torch.allclose(alone(0, 0), alone(0, 1), atol=1e-3)


def test_what_has_no_laws_stays_where_it_is_known():
    laws, states = made(scenarios=2, lively=True), several()
    laws.foreseen[1] = False
    gauges = torch.full_like(states.entity[:, :1], BODIES)
    states = dataclasses.replace(states, entity=torch.cat([states.entity[:, 1:], gauges], 1))
    found = laws(telling([0, 0, 1, 1], np.full(4, 9.0)), states, True)[..., :-EXTRA].unflatten(
        -1, (FRAMES, NUMBERS))[:, :, 1:]
    stayed = (found - states.numbers[:, :, :1, -EXTRA - NUMBERS:-EXTRA, None].transpose(
        -1, -2)).abs().amax((-1, -2, -3)) < 1e-5
    assert stayed.tolist() == [[False, False, True]] * 2 + [[True] * 3] * 2


def test_unknown_turns_are_not_looked_at_and_stay_as_they_are():
    laws, states = made(lively=True), several()
    told = telling([0] * 4, np.full(4, 9.0))
    bodies = states.entity.shape[1]
    turned = torch.ones(4, bodies)
    turned[:, 0] = 0
    states = dataclasses.replace(states, turned=turned)
    other = states.numbers.clone()
    frames = other[..., :-EXTRA].unflatten(-1, (FRAMES, NUMBERS))
    frames[:, 0, :, :, 3:] += torch.randn_like(frames[:, 0, :, :, 3:])
    changed = dataclasses.replace(states, numbers=torch.cat(
        [frames.flatten(-2), other[..., -EXTRA:]], -1))
    a, b = (laws(told, one, True)[..., :-EXTRA].unflatten(-1, (FRAMES, NUMBERS))
            for one in (states, changed))
    torch.testing.assert_close(a[:, :, 1:, :, :3], b[:, :, 1:, :, :3])
    last = frames[:, 0, :1, -1:, 3:]
    torch.testing.assert_close(b[:, 0, 1:, :, 3:], last.expand_as(b[:, 0, 1:, :, 3:]))
    known = dataclasses.replace(states, turned=torch.ones(4, bodies))
    assert not torch.allclose(laws(told, known, True)[..., :-EXTRA].unflatten(
        -1, (FRAMES, NUMBERS))[:, :, 1:, :, :3], a[:, :, 1:, :, :3], atol=1e-4)


def test_laws_are_in_single_precision_under_autocast():
    laws, states = made(lively=True), several(2)
    told = telling([0, 0], np.array([7.0, 11.0]), count=np.array([1.0, 3.0]))
    found = laws(told, states, True)
    untold = dataclasses.replace(told, told=told.told.untold())
    assert not torch.equal(found, laws(untold, states, True))
    with torch.autocast("cpu", torch.bfloat16):
        torch.testing.assert_close(laws(told, states, True), found, rtol=1e-5, atol=1e-6)


def test_half_sizes_and_presence_are_told_by_the_laws_where_none_are_known():
    laws, states, told = made(lively=True), several(), telling([0] * 4, np.full(4, 9.0))
    nothing = dataclasses.replace(states, known=torch.zeros_like(states.known))
    found = laws(told, nothing, True)
    assert not found[..., :-EXTRA].any()
    torch.testing.assert_close(found[..., -EXTRA:], laws.solids(told, states).expand(
        *found.shape[:-1], EXTRA))


def test_what_is_told_reaches_the_states_through_the_laws():
    one, net = inputs(), network()
    for block in net.expert(0).blocks:  # what the layers know of it is taken away
        block.attention.out.weight.data.zero_()
        block.feed_forward.down.weight.data.zero_()
    net.expert(0).modulation.weight.data.zero_()
    other = dataclasses.replace(one.condition, told=one.condition.told.untold())
    states = dataclasses.replace(one.states, known=one.states.known.clone())
    states.known[:, :, 0] = 1

    def said(condition):
        return net(one.cells.flatten(-2) if one.cells.ndim > 4 else one.cells,
                   torch.zeros(len(one.cells), one.grid.views * one.grid.groups), one.context,
                   condition, states, one.stage, one.grid, paint=False).numbers

    assert not torch.equal(said(one.condition), said(other))
    net.laws.initialise()
    torch.testing.assert_close(said(one.condition), said(other), rtol=0, atol=0)


@pytest.mark.parametrize("bounced, best", [(100, 9.0), (0, 9.0)])
def test_contacts_do_not_drown_free_flight(bounced, best):
    """Of falls of which a third bounce, the best gravity is that of the others, not of the mean."""
    rng = np.random.default_rng(3)
    states = falls(np.full(300, 9.0), rng)
    numbers = states.numbers.clone()
    numbers[:bounced, :, 1:, :-EXTRA] += 0.5
    time = torch.arange(GROUPS * FRAMES) * STEP - (FRAMES - 1) * STEP
    tried = np.arange(5.0, 12.0, 0.25)
    off = -(torch.from_numpy(tried)[:, None] - 9.0) / 4 * time.clamp_min(0) ** 2
    said = [states.numbers + torch.nn.functional.pad(
        one[:, None].expand(-1, NUMBERS).reshape(GROUPS, -1), (0, EXTRA)) for one in off.float()]
    loss = [float(laws_loss(one, states, numbers)) for one in said]
    assert tried[np.argmin(loss)] == best
    squares = [float((one - numbers)[:, :, 1:].square().mean()) for one in said]
    assert (tried[np.argmin(squares)] < 8.0) == bool(bounced)


def test_errors_of_blows_count_for_more_and_all_errors_by_their_length():
    generator = torch.Generator().manual_seed(0)
    clean = torch.randn(4, 2, 6, NUMBERS, generator=generator)
    off = torch.zeros_like(clean)
    off[..., :2] = torch.tensor([0.03, 0.04])
    valid = torch.ones_like(clean)

    def loss(error: torch.Tensor, blow: float) -> float:
        straight = clean.clone()
        straight[..., 0] -= blow
        return float(next_frames_loss(clean + error, clean, straight, valid)) * NEXT

    assert loss(0 * off, 0.1) == 0
    assert loss(off, 0.0) == pytest.approx(0.05, rel=0.03)
    assert loss(off, BLOW) == pytest.approx(2 * loss(off, 0.0), rel=1e-4)
    assert loss(off, 100 * BLOW) == pytest.approx(HARDEST * loss(off, 0.0), rel=1e-4)
    turned = torch.roll(off, 3, -1)
    assert loss(turned, 0.0) == pytest.approx(LAWS_TURNS * loss(off, 0.0), rel=1e-4)
    assert float(next_frames_loss(clean + off, clean, clean, 0 * valid)) == 0
