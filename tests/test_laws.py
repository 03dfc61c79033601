"""Laws: from parameters and known states to forces, in single precision."""

from __future__ import annotations

import dataclasses

import numpy as np
import torch
from tiny_network import inputs, network

from worldsim.diffusion.conditioning import ParameterSpec, encode_parameters
from worldsim.diffusion.laws import Laws
from worldsim.diffusion.motion import EXTRA, STEERED, Motion, MotionWriter, motion_of
from worldsim.diffusion.observables import NUMBERS

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


def test_laws_begin_without_force():
    torch.manual_seed(0)
    laws = Laws(2, 7, scenarios=2, entities=3)
    laws.initialise()
    gravity = np.full(4, 9.0)
    motion, _ = falls(gravity, np.random.default_rng(0))
    told = encode_parameters(SPECS, {"gravity": gravity}, 4)
    found = laws(told, torch.ones(4, dtype=torch.long), torch.zeros(4, 1, dtype=torch.long), motion)
    assert found.shape == (4, 1, GROUPS, STEERED) and not found.any()


def test_gravity_is_learned_to_a_percent_from_falls_and_holds_at_all_times():
    torch.manual_seed(0)
    rng = np.random.default_rng(1)
    laws, writer = Laws(2, 7, scenarios=1, entities=3), MotionWriter(FRAMES, 8)
    laws.initialise()
    writer.initialise()
    optimiser = torch.optim.Adam(laws.parameters(), lr=5e-3)

    def said(gravity: np.ndarray, motion: Motion) -> torch.Tensor:
        count = len(gravity)
        nowhere = torch.zeros(count, dtype=torch.long)
        forces = laws(encode_parameters(SPECS, {"gravity": gravity}, count), nowhere,
                      nowhere[:, None], motion)
        return writer(torch.zeros(count, 1, GROUPS, 8), motion, forces)[..., :-EXTRA]

    steps = 600
    for step in range(steps):
        optimiser.param_groups[0]["lr"] = 5e-3 * (1 - step / steps)
        gravity = rng.uniform(6, 12, 256)
        motion, numbers = falls(gravity, rng)
        loss = (said(gravity, motion) - numbers[..., :-EXTRA])[:, :, 1:].abs().mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    gravity = np.array([6.5, 9.0, 11.5])
    motion, _ = falls(gravity, rng)
    with torch.no_grad():
        path = said(gravity, motion).unflatten(-1, (FRAMES, NUMBERS))[:, 0, 1:, :, 2].flatten(1)
    time = np.arange(path.shape[1]) * STEP
    fitted = [-4 * np.polyfit(time, one.double().numpy(), 2)[0] for one in path]
    np.testing.assert_allclose(fitted, gravity, rtol=0.01)


def test_laws_are_the_same_for_all_groups_and_in_single_precision_under_autocast():
    torch.manual_seed(0)
    laws = Laws(2, 7, scenarios=2, entities=3)
    torch.nn.init.normal_(laws.of_scenario, std=0.1)
    gravity = np.array([7.0, 11.0])
    motion, _ = falls(gravity, np.random.default_rng(2))
    told = encode_parameters(SPECS, {"gravity": gravity, "count": np.array([1.0, 3.0])}, 2)
    place = torch.tensor([1, 0]), torch.zeros(2, 1, dtype=torch.long), motion
    found = laws(told, *place)
    torch.testing.assert_close(found[:, :, 1], found[:, :, 2], rtol=1e-5, atol=1e-6)
    assert not torch.equal(found[:, :, 0], found[:, :, 1]), "the known group is not after itself"
    assert not torch.equal(found, laws(told.untold(), *place))
    with torch.autocast("cpu", torch.bfloat16):
        torch.testing.assert_close(laws(told, *place), found, rtol=1e-5, atol=1e-6)


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
