"""The block-causal order: what comes later changes nothing before it, and memory is exact."""

from __future__ import annotations

import dataclasses

import pytest
import torch
from tiny_network import BODY, PATCHES, WATER, Inputs, inputs, network, of_group

from worldsim.diffusion.carrying import Stage
from worldsim.diffusion.causal_steps import begin, extend, group_rotations
from worldsim.diffusion.known import context_cells, reference_of
from worldsim.diffusion.layers import LayerMemory
from worldsim.diffusion.motion import Motion, motion_of
from worldsim.diffusion.observables import NUMBERS
from worldsim.diffusion.patches import per_token, to_cells, to_unit
from worldsim.diffusion.sequence import Prediction, causal_mask, group_of_tokens
from worldsim.diffusion.transformer import VideoTransformer

FRAMES = 8  # four groups


def prefix_known(views: int, frames: int) -> torch.Tensor:
    known = torch.zeros(2, views, FRAMES, 1, 1, dtype=torch.bool)
    known[:, :, :frames] = True
    return known


def changed_from(one: Inputs, group: int, noisy: bool = True) -> Inputs:
    """The same input with everything else that can be said of groups from `group` on."""
    other = inputs(one.grid.views, 2, FRAMES, one.mask, tuple(one.states.entity[0].tolist()), 99)
    later = torch.arange(one.grid.groups) >= group
    tokens = per_token(later.expand(2, one.grid.views, -1), one.grid)[..., None, None]
    of = other.states
    numbers = of.numbers * 3
    numbers[..., -1] = -1.0  # nothing is there any more
    states = dataclasses.replace(
        one.states,
        numbers=torch.where(later[:, None], numbers, one.states.numbers),
        level=torch.where(later, 0.9, one.states.level),
        push=torch.where(later[:, None], of.push, one.states.push))
    cells = torch.where(tokens, other.cells, one.cells) if noisy else one.cells
    return dataclasses.replace(one, cells=cells, states=states)


def outputs_before(found: Prediction, one: Inputs, group: int) -> list[torch.Tensor]:
    shape = (one.grid.views, one.grid.groups, one.grid.tokens_per_group)
    return [found.pixels.unflatten(1, shape)[:, :, :group], found.numbers[:, :, :group]]


def levels(one: Inputs, group: int, later: float) -> torch.Tensor:
    each = torch.where(torch.arange(one.grid.groups) >= group, later, 0.5)
    return each.repeat(one.grid.views)


def test_the_mask_says_who_sees_whom():
    one = inputs(views=2, frames=FRAMES)
    entities, extra = 3, 6
    groups = group_of_tokens(one.grid, entities, extra).tolist()
    each = one.grid.tokens_per_group
    views = [group for _ in range(2) for group in range(4) for _ in range(each)]
    assert groups == views + [0, 1, 2, 3] * entities + [-1] * extra
    mask = causal_mask(one.grid, entities, extra)
    for row in (0, each * 3, each * 4, 8 * each + 2, len(groups) - 1):
        seen = [groups[column] for column in mask[row].nonzero().flatten().tolist()]
        assert set(seen) == set(range(-1, groups[row] + 1))
        assert len(seen) == sum(group <= groups[row] for group in groups)


@pytest.mark.parametrize("views", [1, 2])
@pytest.mark.parametrize("known", [0, 2, 3])
@pytest.mark.parametrize("entities", [(), (WATER, WATER + 1), (BODY, BODY + 1, WATER)])
def test_later_groups_do_not_reach_earlier_ones(views, known, entities):
    one = inputs(views, 2, FRAMES, prefix_known(views, known), entities)
    net = network()
    mask = causal_mask(one.grid, len(entities), net.extra_tokens(2))
    for group in (2, 3):
        other = changed_from(one, group)

        def answers(given: Inputs, later: float, mask: torch.Tensor | None, group=group):
            found = given.predict(net, levels(one, group, later), mask)
            return outputs_before(found, one, group)

        for a, b in zip(answers(one, 0.5, mask), answers(other, 0.9, mask), strict=True):
            assert torch.equal(a, b)
        without = zip(answers(one, 0.5, None), answers(other, 0.9, None), strict=True)
        for a, b in without:
            assert not a.numel() or (a - b).abs().amax() > 1e-4


def test_later_groups_see_earlier_ones():
    one, net = inputs(1, 2, FRAMES, prefix_known(1, 2)), network()
    mask = causal_mask(one.grid, 3, net.extra_tokens(2))
    cells = one.cells.clone()
    cells[:, :one.grid.tokens_per_group] += 1
    moved = (one.predict(net, mask=mask, noisy=cells).numbers
             - one.predict(net, mask=mask).numbers).abs().amax((0, 1, 3))
    assert moved.min() > 1e-4


def motion_at(whole: Motion, group: int) -> Motion:
    return Motion(*(getattr(whole, f.name)[:, :, group:group + 1]
                    for f in dataclasses.fields(Motion)))


def in_stream(net: VideoTransformer, one: Inputs, level: torch.Tensor,
              groups: int) -> list[Prediction]:
    """The network's answers group after group, each looking back at the memories of those
    before."""
    memories = [LayerMemory() for _ in net.expert(0).blocks]
    entities, each = one.states.entity.shape[1], one.grid.tokens_per_group * one.grid.views
    single = dataclasses.replace(one.grid, groups=1)
    told = dataclasses.replace(one.condition, camera=one.condition.camera[:, :, :1])
    cos, sin = group_rotations(net, told, single, entities, net.extra_tokens(2), groups)
    extra, found = net.extra_tokens(2), []
    whole = motion_of(one.states.numbers, one.states.known, one.condition.seconds,
                      one.states.push)
    lawful = net.lawful(told, one.states, ahead=False)
    frame = one.stage.frame[:, :, :1]  # the same for all groups: known frames are a prefix
    frames = one.states.numbers[..., :-4].unflatten(-1, (-1, NUMBERS)).flatten(2, 3)
    at = frame.flatten(1)[..., None, None].expand(-1, -1, entities, NUMBERS)
    then = frames.transpose(1, 2).gather(1, at).unflatten(1, (one.grid.views, 1))
    with torch.inference_mode():
        begin(net, told, memories)
        for group in range(groups):
            cells, context, states, stage = of_group(one, group)
            states = dataclasses.replace(states, lawful=lawful[:, :, group:group + 1])
            upto = extra + (group + 1) * (each + entities)
            of_views = level.unflatten(1, (one.grid.views, -1))[:, :, group]
            found.append(extend(net, net.tell(told)[0], cells, of_views, context, told, states,
                                stage, single, then, motion_at(whole, group),
                                (cos[:, :, :upto], sin[:, :, :upto]), memories))
            for memory in memories:
                memory.keep(groups)
    return found


@pytest.mark.parametrize("views", [1, 2])
@pytest.mark.parametrize("entities", [(), (WATER,), (BODY, BODY + 1, WATER)])
def test_memory_gives_what_one_pass_in_causal_order_gives(views, entities):
    one = inputs(views, 2, FRAMES, prefix_known(views, 2), entities)
    told = torch.zeros_like(one.states.known)
    told[:, :, 0] = 1  # the reference's states
    one = dataclasses.replace(one, states=dataclasses.replace(one.states, known=told))
    net = network()
    level = torch.tensor([0.97, 0.2, 0.5, 0.7]).repeat(views).expand(2, -1)
    whole = one.predict(net, level, causal_mask(one.grid, len(entities), net.extra_tokens(2)))
    shape = (views, one.grid.groups, one.grid.tokens_per_group)
    pixels = whole.pixels.unflatten(1, shape)
    for group, found in enumerate(in_stream(net, one, level, 4)):
        torch.testing.assert_close(found.numbers, whole.numbers[:, :, group:group + 1],
                                   atol=1e-5, rtol=1e-5)
        torch.testing.assert_close(found.pixels.unflatten(1, (views, -1)), pixels[:, :, group],
                                   atol=2e-4, rtol=1e-5)
    both_ways = one.predict(net, level)
    assert (both_ways.pixels - whole.pixels).abs().max() > 1e-3


def test_only_the_oldest_group_is_forgotten_and_what_is_told_never():
    memory = LayerMemory()
    for block in range(6):
        k = torch.full((1, 1, 2, 4), float(block))
        keys, values = memory.joined(k, -k)
        assert torch.equal(keys, -values)
        memory.keep(3)
    assert [float(k[0, 0, 0, 0]) for k, _ in memory.blocks] == [0, 3, 4, 5]
    keys, _ = memory.joined(torch.full((1, 1, 2, 4), 9.0), torch.zeros(1, 1, 2, 4))
    assert keys[0, 0, ::2, 0].tolist() == [0, 3, 4, 5, 9]
    assert len(memory.blocks) == 4, "what is only looked at is not kept"


def test_the_reference_of_a_prefix_is_never_later_than_the_group():
    """With nothing known there is no reference; its time must not tell of the future, either."""
    one = inputs(1, 2, FRAMES, prefix_known(1, 0))
    reference = reference_of(one.video, one.mask, PATCHES.frames, one.condition.seconds)
    first = torch.arange(4) * PATCHES.frames + PATCHES.frames - 1
    assert not reference.exists.any() and (reference.frame <= first).all()
    assert isinstance(one.stage, Stage)
    assert to_cells(to_unit(one.video), PATCHES).equal(one.cells)
    assert (context_cells(reference, one.mask, PATCHES).valid == 0).all()
