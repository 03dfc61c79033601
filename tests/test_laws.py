"""Laws: from parameters and known states to forces, in single precision."""

from __future__ import annotations

import dataclasses

import numpy as np
import torch
from tiny_network import inputs, network

from worldsim.diffusion.conditioning import ParameterSpec, encode_parameters
from worldsim.diffusion.laws import Laws
from worldsim.diffusion.motion import EXTRA, STEERED, Motion, motion_of, path
from worldsim.diffusion.objective import laws_loss
from worldsim.diffusion.observables import NUMBERS
from worldsim.diffusion.transformer import Condition, States

SPECS = (ParameterSpec("gravity", "m/s2", 6.0, 12.0), ParameterSpec("count", "1", 1.0, 3.0))
FRAMES, GROUPS, SECONDS = 5, 3, 0.25
STEP = SECONDS / FRAMES


def falls(gravity: np.ndarray, rng: np.random.Generator) -> tuple[Motion, torch.Tensor]:
    """Bodies (case, 1, G, …) that fall from random places at random speeds, and all they do."""
    time = np.arange(GROUPS * FRAMES) * STEP
    height, speed = rng.uniform(-1, 1, (2, len(gravity), 1))
    # Halves of 2 m are the unit of length, as pictures of 4 m have it.
    place = (height + speed * time - gravity[:, None] * time**2 / 4).astype(np.float32)
    frames = torch.from_numpy(place)[..., None].repeat(1, 1, NUMBERS)
    numbers = torch.nn.functional.pad(
        frames.reshape(len(gravity), 1, GROUPS, FRAMES * NUMBERS), (0, EXTRA))
    known = torch.zeros(len(gravity), 1, GROUPS)
    known[..., 0] = 1
    push = torch.zeros(len(gravity), 1, GROUPS, 5)
    return motion_of(numbers, known, torch.full((len(gravity),), SECONDS), push), numbers


def telling(scenario: int, gravity: np.ndarray, **more: np.ndarray) -> Condition:
    """A condition of which the laws read the parameters and the scenario."""
    count = len(gravity)
    nothing = torch.zeros(count)
    return Condition(
        torch.full((count,), scenario), torch.zeros(count, 0, GROUPS, dtype=torch.long),
        encode_parameters(SPECS, {"gravity": gravity, **more}, count), nothing, nothing, nothing,
        torch.full((count,), SECONDS))


def bodies(count: int) -> torch.Tensor:
    """One of them each."""
    return torch.zeros(count, 1, dtype=torch.long)


def test_laws_begin_without_force():
    torch.manual_seed(0)
    laws = Laws(2, 7, scenarios=2, entities=3)
    laws.initialise()
    gravity = np.full(4, 9.0)
    motion, _ = falls(gravity, np.random.default_rng(0))
    found = laws(telling(1, gravity), bodies(4), motion)
    assert found.shape == (4, 1, GROUPS, STEERED) and not found.any()


def test_gravity_is_learned_to_a_percent_from_falls_and_holds_at_all_times():
    torch.manual_seed(0)
    rng = np.random.default_rng(1)
    laws = Laws(2, 7, scenarios=1, entities=3)
    laws.initialise()
    laws.log_half[:2] = torch.tensor([spec.log_half for spec in SPECS])
    optimiser = torch.optim.Adam(laws.parameters(), lr=2e-3)

    def said(gravity: np.ndarray, motion: Motion) -> torch.Tensor:
        return path(motion, laws(telling(0, gravity), bodies(len(gravity)), motion))[..., :-EXTRA]

    steps = 600
    for step in range(steps):
        optimiser.param_groups[0]["lr"] = 2e-3 * (1 - step / steps)
        gravity = rng.uniform(6, 12, 256)
        motion, numbers = falls(gravity, rng)
        loss = (said(gravity, motion) - numbers[..., :-EXTRA])[:, :, 1:].abs().mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    gravity = np.array([6.5, 9.0, 11.5])
    motion, _ = falls(gravity, rng)
    with torch.no_grad():
        height = said(gravity, motion).unflatten(-1, (FRAMES, NUMBERS))[:, 0, 1:, :, 2].flatten(1)
    time = np.arange(height.shape[1]) * STEP
    fitted = [-4 * np.polyfit(time, one.double().numpy(), 2)[0] for one in height]
    np.testing.assert_allclose(fitted, gravity, rtol=0.01)


def test_what_is_told_as_a_logarithm_is_known_in_proportion_to_itself_too():
    laws = Laws(2, 7, scenarios=1, entities=3)
    laws.log_half[:2] = torch.tensor([spec.log_half for spec in SPECS])
    gravity = np.array([6.0, 9.0, 12.0, 18.0, np.nan])
    every = laws.every(telling(0, gravity).told).unflatten(-1, (3, 9))
    told, straight = every[:, 0, 0], every[:, 0, 1]
    assert told.tolist() == [1, 1, 1, 1, 0] and not every[:, 1:].any()
    torch.testing.assert_close(straight, torch.tensor([-1.0, 0.0, 1.0, 3.0, 0.0]), atol=1e-5,
                               rtol=1e-5)


def test_laws_are_the_same_for_all_groups_and_in_single_precision_under_autocast():
    torch.manual_seed(0)
    laws = Laws(2, 7, scenarios=2, entities=3)
    torch.nn.init.normal_(laws.of_scenario, std=0.1)
    gravity = np.array([7.0, 11.0])
    motion, _ = falls(gravity, np.random.default_rng(2))
    told = telling(1, gravity, count=np.array([1.0, 3.0]))
    found = laws(told, bodies(2), motion)
    torch.testing.assert_close(found[:, :, 1], found[:, :, 2], rtol=1e-5, atol=1e-6)
    assert not torch.equal(found[:, :, 0], found[:, :, 1]), "the known group is not after itself"
    untold = dataclasses.replace(told, told=told.told.untold())
    assert not torch.equal(found, laws(untold, bodies(2), motion))
    with torch.autocast("cpu", torch.bfloat16):
        torch.testing.assert_close(laws(told, bodies(2), motion), found, rtol=1e-5, atol=1e-6)


def test_what_is_told_reaches_the_states_through_the_laws():
    one, net = inputs(), network()
    for block in net.blocks:  # what the layers know of it is taken away
        block.attention.out.weight.data.zero_()
        block.feed_forward.down.weight.data.zero_()
    net.modulation.weight.data.zero_()
    other = dataclasses.replace(one.condition, told=one.condition.told.untold())

    def said(condition):
        return net(one.cells.flatten(-2) if one.cells.ndim > 4 else one.cells,
                   torch.zeros(len(one.cells), one.grid.views * one.grid.groups), one.context,
                   condition, one.states, one.stage, one.grid, paint=False).numbers

    assert not torch.equal(said(one.condition), said(other))
    net.laws.initialise()
    torch.testing.assert_close(said(one.condition), said(other), rtol=0, atol=0)


def test_contacts_do_not_bend_the_laws():
    """Of falls of which a third bounce, the best gravity is that of the others, not of the mean."""
    rng = np.random.default_rng(3)
    gravity = np.full(300, 9.0)
    motion, numbers = falls(gravity, rng)
    bounced = numbers.clone()
    bounced[:100, :, 1:, :-EXTRA] += 0.5
    states = States(
        torch.zeros(300, 1, dtype=torch.long), bounced, torch.ones_like(numbers),
        torch.tensor([1.0, 0.0, 0.0]).expand(300, 1, GROUPS),
        torch.zeros(300, GROUPS), torch.zeros(300, 1, GROUPS, 5))
    typical = torch.full((300, 1, GROUPS, FRAMES, 2), 0.3)
    late = (FRAMES - 1) / 2 * STEP

    def loss(gravity: float, robust: bool) -> float:
        laws = torch.zeros(300, 1, GROUPS, STEERED)
        laws[..., :NUMBERS] = 1.0
        laws[..., NUMBERS:2 * NUMBERS], laws[..., 2 * NUMBERS:3 * NUMBERS] = (
            -gravity / 2 * late, -gravity / 2)
        said = path(motion, laws)
        if robust:
            return float(laws_loss(said, motion, states, bounced, typical))
        return float((said - bounced)[:, :, 1:].square().mean())

    tried = np.arange(5.0, 12.0, 0.25)
    assert tried[np.argmin([loss(g, True) for g in tried])] == 9.0
    assert tried[np.argmin([loss(g, False) for g in tried])] < 8.0
