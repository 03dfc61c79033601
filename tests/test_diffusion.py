"""The world model's parts: patches, masks, noise levels, positions, objective, sampler."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny_network import PATCHES, SIZE, SPECS, fresh, inputs, network, select

from worldsim.diffusion.batches import NoisePool
from worldsim.diffusion.conditioning import encode_parameters
from worldsim.diffusion.known import (
    KnownDistribution,
    context_cells,
    group_levels,
    nearest_known,
    reference_of,
)
from worldsim.diffusion.layers import rms_norm, rotary_angles, rotate
from worldsim.diffusion.objective import (
    Emphasis,
    expectation,
    importance,
    noisy_cells,
    salient,
    velocity_loss,
)
from worldsim.diffusion.patches import (
    from_cells,
    grid_of,
    per_token,
    to_cells,
    to_uint8,
    to_unit,
)
from worldsim.diffusion.sampler import SamplerConfig, sample
from worldsim.diffusion.schedule import (
    LevelDistribution,
    mix,
    sampling_levels,
    velocity,
    velocity_weight,
)
from worldsim.diffusion.sequence import Context, Prediction
from worldsim.errors import InputError


@given(st.integers(1, 2), st.integers(1, 3), st.integers(1, 2), st.integers(1, 3))
@settings(max_examples=20, deadline=None)
def test_cells_are_a_permutation_of_the_pixels(views, groups, rows, columns):
    grid = grid_of(groups * 2, (rows * 8, columns * 8), views, PATCHES)
    shape = (2, views, groups * 2, rows * 8, columns * 8, 3)
    video = torch.arange(int(np.prod(shape))).view(shape)
    cells = to_cells(video, PATCHES)
    assert cells.shape == (2, grid.tokens, PATCHES.cells, 3 * 2 * 16)
    assert torch.equal(from_cells(cells, grid, PATCHES), video)


def test_a_cell_holds_neighbouring_pixels_of_one_token():
    video = torch.zeros(1, 1, 4, 16, 16, 3)
    video[0, 0, 3, 9, 2, 1] = 1.0
    token, cell, value = (int(i) for i in to_cells(video, PATCHES)[0].nonzero()[0])
    assert token == 4 + 2  # second group of frames, second row of patches, first column
    assert cell == 0
    assert value == 1 * 32 + 1 * 16 + 1 * 4 + 2  # green, second frame, second row, third column


def test_clips_that_do_not_divide_are_refused():
    with pytest.raises(InputError, match="pad it first"):
        grid_of(5, (16, 16), 1, PATCHES)


def test_every_byte_survives_the_unit_range():
    every = torch.arange(256, dtype=torch.uint8)
    assert torch.equal(to_uint8(to_unit(every)), every)


def test_noise_levels_run_from_noise_to_data():
    data, noise = torch.randn(4, 3), torch.randn(4, 3)
    assert torch.equal(mix(data, noise, torch.tensor(0.0)), noise)
    assert torch.equal(mix(data, noise, torch.tensor(1.0)), data)
    level = torch.tensor(0.3)
    exact = velocity(data, mix(data, noise, level), level)
    torch.testing.assert_close(exact, data - noise)


@given(st.floats(0.0, 0.94), st.integers(0, 100))
@settings(max_examples=30, deadline=None)
def test_weighted_data_error_is_the_error_of_the_velocity(t, seed):
    generator = torch.Generator().manual_seed(seed)
    data, noise, predicted = torch.randn(3, 5, generator=generator, dtype=torch.float64)
    level = torch.tensor(t, dtype=torch.float64)
    z = mix(data, noise, level)
    direct = (velocity(predicted, z, level) - (data - noise)).square()
    torch.testing.assert_close(direct, velocity_weight(level) * (predicted - data).square())


@pytest.mark.parametrize("shift", [1.0, 3.0])
def test_sampling_levels_rise_from_zero_to_one(shift):
    levels = sampling_levels(8, shift)
    assert levels[0] == 0 and levels[-1] == 1 and (levels.diff() > 0).all()
    assert (levels[4] < 0.5) == (shift > 1)


def test_drawn_levels_follow_the_logit_normal_and_may_differ_between_groups():
    drawn = LevelDistribution(-1.0, 0.5, independent=0.0).draw(4000, 3, np.random.default_rng(0))
    logits = torch.logit(drawn[:, 0])
    assert abs(float(logits.mean()) + 1) < 0.02 and abs(float(logits.std()) - 0.5) < 0.02
    assert torch.equal(drawn[:, 0], drawn[:, 2])
    own = LevelDistribution(independent=1.0).draw(4, 3, np.random.default_rng(0))
    assert len(own.unique()) == 12


def test_attention_sees_only_differences_of_time_and_place():
    angles = rotary_angles(torch.tensor([[0.0, 0, 0], [1.5, 0.25, -0.5]]), 16)
    moved = rotary_angles(torch.tensor([[7.0, 1, 2], [8.5, 1.25, 1.5]]), 16)
    q, k = torch.randn(2, 16, dtype=torch.float64)

    def score(at):
        at = at.double()
        return rotate(q, at[0].cos(), at[0].sin()) @ rotate(k, at[1].cos(), at[1].sin())

    assert abs(float(score(angles) - score(moved))) < 1e-5
    assert abs(float(score(angles) - q @ k)) > 1e-3


def test_positions_are_seconds_and_short_sides_whatever_rate_and_size():
    coarse = grid_of(4, (16, 24), 1, PATCHES).places()
    fine = grid_of(4, (32, 48), 1, PATCHES).places()
    # The mean of the finer patches within a coarse one lies at the coarse one's centre.
    torch.testing.assert_close(fine.view(2, 2, 3, 2, 2).mean((1, 3)).view(-1, 2), coarse)
    assert coarse[:, 0].max() == 0.25 and coarse[:, 1].max() == 0.5
    given_input = inputs(batch=1)
    net, grid = network(), grid_of(4, (16, 24), 1, PATCHES)
    twice = grid_of(8, (16, 24), 1, PATCHES)
    told = given_input.condition

    def angles(grid, seconds, start=0.0):
        condition = dataclasses.replace(told, seconds=torch.tensor([seconds]),
                                        start=torch.tensor([start]))
        cos, sin = net.rotations(condition, grid, 1, 2)
        return torch.atan2(sin, cos)[0, 0]

    slow, fast = angles(grid, 0.4), angles(twice, 0.2)
    each = grid.tokens_per_group
    # The middle between two short groups' times is the middle of the long group.
    for group in range(2):
        pair = fast[2 * group * each], fast[(2 * group + 1) * each]
        torch.testing.assert_close((pair[0] + pair[1]) / 2, slow[group * each])
    later = angles(grid, 0.4, start=0.4)
    torch.testing.assert_close(later[:each], slow[each:2 * each])
    said = slow[grid.tokens:grid.tokens + 2]
    time = slow.shape[1] - 2 * (slow.shape[1] // 4)
    torch.testing.assert_close(said[1, :time], slow[each, :time])
    assert (said[:, time:] == 0).all() and (slow[-2:] == 0).all()


def test_nearest_known_frame_in_time():
    known = torch.zeros(1, 1, 6, 1, 1, dtype=torch.bool)
    known[0, 0, [0, 5]] = True
    index, exists = nearest_known(known, 2)
    assert index.flatten().tolist() == [0, 5, 5] and exists.all()  # group centres: frames 1, 3, 5
    _, exists = nearest_known(torch.zeros_like(known), 2)
    assert not exists.any()


@given(st.integers(0, 10_000))
@settings(max_examples=25, deadline=None)
def test_nearest_known_agrees_with_a_search(seed):
    known = torch.from_numpy(np.random.default_rng(seed).random((1, 1, 8, 2, 2)) < 0.3)
    index, exists = nearest_known(known, 2)
    for group in range(4):
        for row in range(2):
            for column in range(2):
                frames = known[0, 0, :, row, column].nonzero().flatten().tolist()
                at = (0, 0, group, row, column)
                assert bool(exists[at]) == bool(frames)
                if frames:
                    centre = 2 * group + 1
                    best = min(abs(frame - centre) for frame in frames)
                    assert abs(int(index[at]) - centre) == best and int(index[at]) in frames


def test_unknown_pixels_do_not_reach_the_network():
    one = inputs()
    changed = torch.where(one.mask[..., None], one.video, 255 - one.video)
    reference = reference_of(changed, one.mask, PATCHES.frames, one.condition.seconds)
    again = context_cells(reference, one.mask, PATCHES)
    for field in dataclasses.fields(Context):
        assert torch.equal(getattr(again, field.name), getattr(one.context, field.name))
    assert torch.equal(reference.picture.movedim(-1, 3), one.stage.picture)


def test_drawn_known_sets_leave_something_to_predict():
    rng = np.random.default_rng(0)
    shape = (16, 2, 20, 8, 8)
    seen = set()
    for _ in range(30):
        known = KnownDistribution().draw(rng, shape, 5)
        everything = known.flatten(1).all(-1)
        assert not KnownDistribution().draw_states(rng, known, 2, 5)[everything].any()
        some = KnownDistribution(everything=0).draw(rng, shape, 5)
        assert not some.flatten(1).all(-1).any()
        seen.add(known.shape[-1])
        whole = known[:, :, :, 0, 0] if known.shape[-1] == 1 else known.flatten(3).all(-1)
        seen |= {tuple(row.tolist()) for row in whole.flatten(0, 1)}
    assert seen >= {1, 8, (True,) * 5 + (False,) * 15, (False,) * 20, (True,) * 20}


def test_known_sets_of_causal_batches_tell_nothing_of_what_comes_later():
    rng = np.random.default_rng(0)
    kinds = set()
    for _ in range(20):
        known = KnownDistribution().draw(rng, (16, 2, 20, 8, 8), 5, causal=True)
        assert known.shape[-1] == 1
        frames = known[..., 0, 0].int()
        assert (frames.diff(dim=2) <= 0).all(), "only prefixes"
        kinds |= set(frames.sum(2).flatten().tolist())
    assert {0, 5} < kinds and max(kinds) <= 15


def test_states_are_told_of_whole_clips_or_of_what_is_seen_and_never_with_all_pixels():
    rng = np.random.default_rng(0)
    known = torch.zeros(4000, 1, 20, 1, 1, dtype=torch.bool)
    known[:, :, :5] = True
    known[2000:] = True
    drawn = KnownDistribution(states_told=0.2, states_begun=0.3).draw_states(rng, known, 3, 5)
    assert drawn.shape == (4000, 3, 4) and not drawn[2000:].any()
    begun = drawn[:2000, :, 0].float().mean(0)
    later = drawn[:2000, :, 1].float().mean(0)
    assert (begun - 0.5).abs().max() < 0.05 and (later - 0.2).abs().max() < 0.04


def test_wholly_known_groups_are_clean():
    known = torch.zeros(1, 1, 6, 1, 1, dtype=torch.bool)
    known[:, :, :3] = True
    levels = group_levels(torch.full((1, 1, 3), 0.2), known, torch.tensor([0.1]), 2)
    torch.testing.assert_close(levels, torch.tensor([[[0.9, 0.2, 0.2]]]))


def test_no_loss_on_known_pixels_and_known_pixels_are_shown_clean():
    one = inputs()
    clean, known = one.cells.unflatten(-1, (3, -1)), one.known
    noise, level = torch.randn_like(clean), torch.full(clean.shape[:2], 0.2)
    weight = torch.ones_like(known, dtype=torch.uint8)
    z = noisy_cells(clean, noise, level, known, torch.zeros(2))
    assert torch.equal(torch.where(known[..., None, :], z, clean), clean)
    wrong_where_known = clean + 3.0 * known[..., None, :]
    assert velocity_loss(wrong_where_known, clean, level, known, weight) == 0
    wrong_elsewhere = clean + 0.8 * ~known[..., None, :]
    assert float(velocity_loss(wrong_elsewhere, clean, level, known, weight)) == pytest.approx(1)


def test_what_moves_and_what_is_saturated_counts_more():
    video = torch.full((1, 1, 4, 4, 4, 3), 120, dtype=torch.uint8)
    video[0, 0, 2, 0, 0] = 200  # appears and disappears
    video[0, 0, 2:, 1, 1] = torch.tensor([40, 120, 160], dtype=torch.uint8)  # water stays
    video[..., 2, 2, :] = torch.tensor([225, 30, 30], dtype=torch.uint8)  # red debris at rest
    weight = importance(video, Emphasis(moving=10, changed=3, salient=10))[0, 0]
    assert weight[:, 0, 0].tolist() == [1, 11, 11, 11]
    assert weight[:, 1, 1].tolist() == [1, 11, 11, 4]
    assert weight[:, 2, 2].tolist() == [11] * 4
    assert weight[:, 3, 3].tolist() == [1] * 4


def test_debris_colours_are_salient_and_water_is_not():
    debris = [(225, 30, 30), (250, 225, 20), (140, 60, 245), (240, 30, 190), (110, 235, 30)]
    scene = [(30, 110, 170), (20, 150, 200), (150, 140, 110), (168, 138, 104), (230, 240, 255)]
    found = salient(torch.tensor(debris + scene, dtype=torch.uint8))
    assert found.tolist() == [True] * len(debris) + [False] * len(scene)


def test_weights_from_the_expectation_leave_the_mean_the_best_prediction():
    """Red debris with one chance in four, water otherwise: which constant loses least?"""
    red, water = torch.tensor([0.76, -0.76, -0.76]), torch.tensor([-0.6, 0.1, 0.4])
    truth = torch.stack([red, water, water, water])[:, None, None, :, None]  # (B, 1, 1, C, 1)
    level, known = torch.zeros(4, 1), torch.zeros(4, 1, 1, 1, dtype=torch.bool)

    def pull(share: float, weight: torch.Tensor, expected: float) -> float:
        """The loss's slope along a larger share of red, where that share is painted."""
        mixture = torch.tensor(share, requires_grad=True)
        painted = (water + mixture * (red - water)).view(1, 1, 1, 3, 1).expand_as(truth)
        velocity_loss(painted, truth, level, known, weight, expected).backward()
        return float(mixture.grad)

    even = torch.ones(4, 1, 1, 1)
    by_answer = torch.tensor([61.0, 1.0, 1.0, 1.0]).view(4, 1, 1, 1)
    assert pull(0.25, even, 0.0) == pytest.approx(0, abs=1e-6)
    assert pull(0.25, even, 60.0) == pytest.approx(0, abs=1e-6)
    assert pull(0.2, even, 60.0) < 0 < pull(0.3, even, 60.0)
    assert pull(0.25, by_answer, 0.0) < -0.1
    assert pull(61 / 64, by_answer, 0.0) == pytest.approx(0, abs=1e-5)


def test_debris_are_expected_where_they_are_painted_and_not_on_water_or_ground():
    debris = [(225, 30, 30), (250, 225, 20), (140, 60, 245), (240, 30, 190), (110, 235, 30),
              (250, 135, 15)]
    scene = [(30, 110, 170), (150, 215, 235), (140, 150, 105), (195, 178, 150), (90, 90, 92)]
    pixels = torch.tensor(debris + scene).float() / 127.5 - 1
    found = expectation(pixels[:, None, None, :, None]).flatten()
    assert found[:len(debris)].min() > 0.5 and found[len(debris):].max() == 0


def test_the_neighbourhood_of_debris_counts_more():
    video = torch.full((1, 1, 5, 9, 9, 3), 120, dtype=torch.uint8)
    video[0, 0, 2, 4, 4] = torch.tensor([225, 30, 30], dtype=torch.uint8)
    config = Emphasis(near=7, reach=2)
    weight = importance(video, config)[0, 0]
    near = torch.ones(5, 9, 9, dtype=torch.uint8)
    near[1:4, 2:7, 2:7] = 8
    assert torch.equal(weight, near)


def test_each_group_of_frames_has_its_own_level():
    one, net = inputs(entities=()), network()
    level = torch.full((2, one.grid.groups), 0.5)
    changed = level.clone()
    changed[:, 1] = 0.9
    a, b = (one.pixels(net, t) for t in (level, changed))
    assert torch.equal(a, one.pixels(net, 0.5))
    tokens = per_token(torch.tensor([[[0, 1, 0]]]), one.grid)[0].bool()
    moved = (a - b).abs().amax((0, 2, 3))
    assert moved[tokens].min() > 3 * moved[~tokens].mean()


def test_states_have_levels_of_their_own():
    one, net = inputs(), network()
    level = one.states.level.clone()
    level[:, 1] = 0.9
    other = one.predict(net, states=dataclasses.replace(one.states, level=level))
    moved = (other.numbers - one.predict(net).numbers).abs().amax((0, 1, 3))
    assert moved[1] > 3 * moved[[0, 2]].max() > 0


def test_parameters_matter_only_when_told():
    one, net = inputs(), network()

    def predict(told):
        condition = dataclasses.replace(one.condition, told=encode_parameters(SPECS, told, 2))
        return one.pixels(net, condition=condition)

    untold = predict({})
    assert torch.equal(untold, predict({"height": np.array([np.nan, np.nan])}))
    none = dataclasses.replace(one.condition, told=one.condition.told.untold())
    assert torch.equal(untold, one.pixels(net, condition=none))
    low, high = predict({"height": np.full(2, 2.5)}), predict({"height": np.full(2, 7.5)})
    assert not torch.allclose(low, high) and not torch.allclose(low, untold)


def test_scenario_rate_pushes_and_what_is_known_matter():
    one, net = inputs(), network()
    before = one.pixels(net)
    for changes in ({"scenario": torch.ones(2, dtype=torch.long)},
                    {"seconds": torch.full((2,), 0.1)},
                    {"context_noise": torch.full((2,), 0.1)}):
        condition = dataclasses.replace(one.condition, **changes)
        assert not torch.allclose(one.pixels(net, condition=condition), before, atol=1e-4)
    for changes in ({"push": torch.zeros_like(one.states.push)},
                    {"known": torch.ones_like(one.states.known)}):
        states = dataclasses.replace(one.states, **changes)
        assert not torch.allclose(one.pixels(net, states=states), before, atol=1e-4)


def test_continuous_parameters_are_scaled_by_the_logarithm_of_their_range():
    told = encode_parameters(SPECS, {"height": np.array([2.0, 4.0, 8.0])}, 3)
    torch.testing.assert_close(told.features[:, 0, 0], torch.tensor([-1.0, 0.0, 1.0]))
    assert told.presence.tolist() == [[1, 0]] * 3 and told.number.tolist() == [[0, 1]] * 3
    assert (told.features[:, 1] == 0).all()
    with pytest.raises(InputError, match="'hight'"):
        encode_parameters(SPECS, {"hight": np.zeros(1)}, 1)


def test_slots_that_hold_no_parameter_say_so():
    told = encode_parameters(SPECS, {"kind": np.array([2.0])}, 1, first=3, slots=4, width=9, none=8)
    assert told.number.tolist() == [[3, 4, 8, 8]] and told.presence.tolist() == [[0, 1, 0, 0]]
    assert told.features[0, 1].tolist() == [0, 0, 1, *[0] * 6]


def test_an_untrained_network_shows_the_reference():
    one = inputs()
    predicted = one.pixels(fresh(), 0.1)
    reference = one.context.reference.unflatten(-1, (3, 1, -1))
    frozen = reference.expand(-1, -1, -1, -1, 2, -1).flatten(3)
    still = inputs(entities=())
    assert one.cells.equal(still.cells)
    wrong = (still.pixels(fresh(), 0.1) - frozen).square().mean()
    assert wrong < 0.1 * (predicted - one.cells).square().mean()


@pytest.mark.parametrize("heun", [False, True])
@pytest.mark.parametrize("causal", [False, True])
def test_known_pixels_and_states_come_back_untouched(heun, causal):
    mask = torch.rand(2, 1, 6, *SIZE, generator=torch.Generator().manual_seed(3)) < 0.3
    one = inputs(known=mask)
    told = torch.zeros_like(one.states.known)
    told[:, 1, :2] = 1
    task = one.task(states=dataclasses.replace(one.states, known=told),
                    without=((1.5, one.condition.told.untold()),))
    generator = torch.Generator().manual_seed(4)
    noise = torch.randn(task.given.shape, generator=generator)
    states_noise = torch.randn(one.states.numbers.shape, generator=generator)
    out, numbers = sample(network(), noise, states_noise, task,
                          SamplerConfig(steps=3, heun=heun, causal=causal))
    same = one.known[..., None, :].expand_as(out)
    assert torch.equal(out[same], task.given[same])
    assert not torch.allclose(out[~same], task.given[~same], atol=1e-2)
    known = told.bool()
    assert torch.equal(numbers[known], one.states.numbers[known])
    assert not torch.allclose(numbers[~known], one.states.numbers[~known], atol=1e-2)


@pytest.mark.parametrize("heun", [False, True])
def test_sampling_is_exact_for_a_network_that_knows_the_answer(heun):
    one = inputs()
    clean = one.cells.unflatten(-1, (3, -1))

    class Oracle(torch.nn.Module):
        def lawful(self, condition, states, ahead=True):
            return states.numbers

        def forward(self, noisy, level, context, condition, states, stage, grid, mask, paint):
            return Prediction(one.cells, one.states.numbers)

    task = one.task(given=torch.zeros_like(clean), known=torch.zeros_like(one.known))
    out, numbers = sample(Oracle(), torch.randn_like(clean), torch.randn_like(one.states.numbers),
                          task, SamplerConfig(steps=4, heun=heun))
    torch.testing.assert_close(out, clean)
    torch.testing.assert_close(numbers, one.states.numbers)


def test_a_member_does_not_depend_on_its_batch():
    one = inputs(views=2, batch=3)
    generator = torch.Generator().manual_seed(5)
    task = one.task()
    noise = torch.randn(task.given.shape, generator=generator)
    states_noise = torch.randn(one.states.numbers.shape, generator=generator)
    net, config = network(), SamplerConfig(steps=2)
    together = sample(net, noise, states_noise, task, config)
    row = slice(1, 2)
    alone = sample(net, noise[row], states_noise[row], select(task, row), config)
    for mine, theirs in zip(alone, together, strict=True):
        torch.testing.assert_close(mine[0], theirs[1], atol=1e-4, rtol=1e-4)


def test_pooled_noise_is_standard_and_keyed():
    pool = NoisePool(0, size=2**16)
    drawn = pool.draw(8, (4, 1000), np.random.default_rng(0))
    assert abs(float(drawn.mean())) < 0.03 and abs(float(drawn.std()) - 1) < 0.03
    assert torch.equal(drawn, NoisePool(0, size=2**16).draw(8, (4, 1000), np.random.default_rng(0)))
    assert len(drawn[:, 0, 0].unique()) == 8


def test_layers_normalise_to_unit_mean_square():
    x = 7 * torch.randn(5, 64)
    torch.testing.assert_close(rms_norm(x).square().mean(-1), torch.ones(5))
