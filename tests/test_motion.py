"""States as departures from the nearest known ones: what flies freely is exact, and noise goes."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
from synthetic_clips import ball_clips
from tiny_model import MODEL, SIZE, tiny_model
from tiny_network import fresh, inputs

from worldsim.diffusion.batches import Kind
from worldsim.diffusion.layers import TransformerConfig
from worldsim.diffusion.model import VideoDiffusion
from worldsim.diffusion.motion import (
    EXTRA,
    NOISE,
    Motion,
    MotionWriter,
    motion_of,
    shrinkage,
    shrunk,
    sparse,
)
from worldsim.diffusion.observables import NUMBERS
from worldsim.diffusion.patches import PatchConfig
from worldsim.diffusion.presets import TrainingConfig
from worldsim.diffusion.sequence import Prediction
from worldsim.diffusion.step_loss import MOST, SHARED, TURNS, as_read, step_loss
from worldsim.diffusion.trainer import Trainer
from worldsim.diffusion.training_clips import BatchConfig, paired
from worldsim.diffusion.typical_error import TypicalErrors
from worldsim.errors import InputError
from worldsim.query import Known, KnownStates, Query

FRAMES, SECONDS = 5, 0.25
CONFIG = TrainingConfig(
    transformer=TransformerConfig(patches=PatchConfig(frames=5, patch=8, cell=4), width=32,
                                  layers=2, heads=2, hidden=32, detail=8),
    batch=BatchConfig(tokens=64, frames=10, town_frames=10), held_out=1, steps=4,
    compiled=False, precision="float32")


def quiet(_: str) -> None:
    pass


def parabola(groups: int, acceleration: float = 0.0) -> tuple[torch.Tensor, torch.Tensor]:
    """Numbers (1, 1, G, n) of a parabola x = 1 + 2 t + a t^2 / 2, and the frames' times."""
    time = torch.arange(groups * FRAMES) * SECONDS / FRAMES
    place = 1 + 2 * time + acceleration * time**2 / 2
    frames = place[:, None].expand(-1, NUMBERS).reshape(1, 1, groups, FRAMES * NUMBERS)
    return torch.cat([frames, torch.full((1, 1, groups, EXTRA), 0.5)], -1), time


def known_at(groups: int, *which: int) -> torch.Tensor:
    known = torch.zeros(1, 1, groups)
    known[..., list(which)] = 1
    return known


def calm(groups: int) -> torch.Tensor:
    """No pushes."""
    return torch.zeros(1, 1, groups, 5)


def test_the_nearest_known_state_is_found_on_either_side():
    numbers, time = parabola(5)
    found = motion_of(numbers, known_at(5, 0, 4), torch.tensor([SECONDS]), calm(5))
    frames = numbers[..., :-EXTRA].unflatten(-1, (FRAMES, NUMBERS))[0, 0, :, :, 0]
    held, nearest = found.held[0, 0, :, 0], [(0, 4), (0, 4), (0, 4), (4, 0), (4, 4)]
    for group, (of, frame) in enumerate(nearest):  # the earlier one of a tie
        assert float(held[group]) == float(frames[of, frame])
        gaps = time.view(5, FRAMES)[group] - time.view(5, FRAMES)[of, frame]
        torch.testing.assert_close(found.time[0, 0, group], gaps)
    torch.testing.assert_close(found.rate, torch.full_like(found.rate, 2.0))
    assert (found.exists == 1).all() and (found.held[..., NUMBERS:] == 0.5).all()


def test_looking_back_only_and_nothing_known():
    numbers, _ = parabola(4)
    seconds = torch.tensor([SECONDS])
    back = motion_of(numbers, known_at(4, 2), seconds, calm(4), ahead=False)
    assert back.exists[0, 0, :, 0].tolist() == [0, 0, 1, 1]
    for part in (back.held, back.rate, back.time):
        assert (part[0, 0, :2] == 0).all()
    none = motion_of(numbers, known_at(4), seconds, calm(4))
    assert not any(getattr(none, f.name).any() for f in dataclasses.fields(Motion))


def test_departures_are_small_near_what_is_known_and_can_be_shut():
    torch.manual_seed(0)
    numbers, time = parabola(4)
    writer = MotionWriter(FRAMES, 16)
    writer.initialise()
    tokens = torch.randn(1, 1, 4, 16)
    motion = motion_of(numbers, known_at(4, 0), torch.tensor([SECONDS]), calm(4))
    lawful = numbers
    torch.testing.assert_close(writer(tokens, motion, lawful)[..., :-EXTRA],
                               lawful[..., :-EXTRA], atol=NOISE / 2, rtol=0)
    (writer(tokens, motion, lawful)[..., :-EXTRA] - lawful[..., :-EXTRA]).sum().backward()
    assert float(writer.depart.weight.grad[:NUMBERS].abs().max()) > 0, "but it can begin to"
    writer.depart.weight.data.zero_()
    writer.depart.bias.data[:] = 2.0
    off = (writer(tokens, motion, lawful) - lawful)[..., :-EXTRA].unflatten(
        -1, (FRAMES, NUMBERS))[0, 0, 1:, :, 0].flatten()
    gap = time[FRAMES:] - time[FRAMES - 1]
    share = gap / (gap + 0.3)
    torch.testing.assert_close(off, share * 3 * share**2 / (3 * share**2 + NOISE**2), rtol=1e-4,
                               atol=1e-5)
    none = motion_of(numbers, known_at(4), torch.tensor([SECONDS]), calm(4))
    nothing = torch.zeros_like(numbers)
    torch.testing.assert_close(writer(tokens, none, nothing)[..., :-EXTRA],
                               torch.ones_like(nothing[..., :-EXTRA]))
    writer.whether.bias.data[:] = -100.0
    assert torch.equal(writer(tokens, motion, lawful)[..., :-EXTRA], lawful[..., :-EXTRA])


def test_departures_like_noise_are_left_out_and_large_ones_kept():
    depart = torch.randn(1000, NUMBERS)
    small, large = sparse(1e-3 * depart), sparse(10.0 * depart)
    assert float(small[:, :3].norm(dim=-1).mean()) < 0.01 * 1e-3
    torch.testing.assert_close(large, 10.0 * depart, rtol=2e-2, atol=1e-3)
    turned = torch.cat([depart[:, [1, 2, 0]], depart[:, 3:]], -1)
    torch.testing.assert_close(sparse(turned)[:, [2, 0, 1]], sparse(depart)[:, :3])


def test_typical_errors_are_learned_place_by_place():
    trainer = Trainer(CONFIG, [ball_clips(cases=4)], quiet)
    batch = next(b for b in (trainer.batch(k) for k in range(60)) if b.kind is Kind.PATHS
                 and bool((b.states.known == 0).any()))
    table = TypicalErrors(1, len(Kind), trainer.network.untold)
    sizes, place = table.of(batch)
    torch.testing.assert_close(sizes, torch.full_like(sizes, 0.1), rtol=1e-3, atol=0)
    error = torch.zeros(*place.shape, NUMBERS)
    error[..., :3], error[..., 3:] = 0.02, 0.3
    for _ in range(4000):
        table.learn(place, error, torch.ones_like(error))
    sizes, _ = table.of(batch)
    torch.testing.assert_close(sizes[..., 0], torch.full_like(sizes[..., 0], 0.02), rtol=0.05,
                               atol=0)
    torch.testing.assert_close(sizes[..., 1], torch.full_like(sizes[..., 1], 0.3), rtol=0.05,
                               atol=0)
    elsewhere = torch.ones(len(table.squares.view(-1, 2)), dtype=torch.bool)
    elsewhere[place.flatten()] = False
    assert (table.squares.view(-1, 2)[elsewhere] == 0.1**2).all()


@pytest.mark.parametrize("level", [0.05, 0.3, 0.8])
@pytest.mark.parametrize("spread", [0.25, 1.0])
def test_the_shrunk_input_is_the_best_linear_estimate(level, spread):
    rng = np.random.default_rng(0)
    data = 0.7 + spread * rng.standard_normal(200_000)
    seen = (1 - level) * rng.standard_normal(200_000) + level * data
    slope = np.cov(seen, data)[0, 1] / seen.var()
    assert float(shrinkage(torch.tensor(level), spread)) == pytest.approx(slope, abs=0.004)


def test_noise_is_gone_at_the_one_end_and_nothing_at_the_other():
    numbers, _ = parabola(3)
    motion = motion_of(numbers, known_at(3, 0), torch.tensor([SECONDS]), calm(3))
    noise = torch.randn_like(numbers)
    at = torch.zeros(1, 1, 3)
    first, last = (shrunk(noise, at + t, motion) for t in (0.0, 1.0))
    held = motion.held[..., None, :NUMBERS].expand(-1, -1, -1, FRAMES, -1).flatten(-2)
    torch.testing.assert_close(first[..., :-EXTRA], held)
    torch.testing.assert_close(last, noise)


def test_at_the_level_of_noise_the_network_does_not_see_it():
    one, net = inputs(), fresh()
    outputs = [one.pixels(net, 0.0, noisy=torch.where(
        one.known.repeat(1, 1, 1, 3), one.cells, torch.randn_like(one.cells))) for _ in range(2)]
    torch.testing.assert_close(*outputs)
    plain = fresh()
    plain.expert(0).raw = True
    outputs = [plain_pixels(one, plain) for _ in range(2)]
    assert (outputs[0] - outputs[1]).abs().max() > 1e-3


def plain_pixels(one, net):
    return one.pixels(net, 0.0, noisy=torch.randn_like(one.cells))


def test_all_kinds_of_batches_are_drawn_and_learned_from():
    trainer = Trainer(CONFIG, [ball_clips(cases=4)], quiet)
    seen = {}
    for step in range(60):
        batch = trainer.batch(step)
        seen.setdefault(batch.kind, []).append(batch)
    assert set(seen) == set(Kind)
    for batch in seen[Kind.PATHS] + seen[Kind.LAWS]:
        assert batch.grid.views == 0 and batch.grid.groups == 2 and batch.tokens == 6
    for batch in seen[Kind.PATHS]:
        assert not batch.states.known.all(-1).all(), "something is left to be foreseen"
    for batch in seen[Kind.READINGS]:
        assert batch.grid.groups == 1 and batch.known.all() and not batch.states.known.any()
    for kind, batches in seen.items():
        loss, pixels, said = step_loss(trainer.network, batches[0])
        assert (pixels == 0) == (kind is not Kind.FILMS) and (said > 0 or kind is Kind.FILMS)
        loss.backward()
        read = trainer.network.expert(0).read_pixels.weight.grad
        assert (read is None or not read.any()) == kind.alone
        taught = trainer.network.laws.of_parameter.grad
        assert (taught is not None) == (kind is Kind.LAWS), "laws are taught by themselves"
        trainer.network.zero_grad()
    told = [float(batch.condition.states_noise.max()) for batch in seen[Kind.FILMS]]
    assert max(told) == 0 and max(
        float(batch.condition.states_noise.max()) for batch in seen[Kind.PATHS]) > 0


def test_states_without_video_are_learned_from_beside_filmed_cases():
    films = ball_clips(cases=4)
    more = ball_clips(cases=9, seed=1)
    unfilmed = dataclasses.replace(more, video=more.video[:, :0], cameras={}, mirror_axes=())
    trainer = Trainer(CONFIG, [films, unfilmed], quiet)
    assert trainer.training_cases[0].tolist() == [0, 1, 2, *range(4, 13)]
    assert trainer.tally.cases == 12 and trainer.data[0].filmed == 4
    np.testing.assert_allclose(trainer.data[0].states[4:, :, 0, 2],
                                  (more.states[:, :, 0, 2] - 1.55)
                                  / trainer.data[0].subject.length, rtol=1e-4, atol=1e-6)
    for step in range(30):
        trainer.batch(step)
    for wrong, says in (([unfilmed], "need filmed clips"), ([films, films], "several directories"),
                        ([films, dataclasses.replace(unfilmed, fps=10.0)], "do not continue")):
        with pytest.raises(InputError, match=says):
            paired(wrong, 5)


def test_tokens_are_told_where_the_laws_lead():
    one, net = inputs(), fresh()
    torch.nn.init.normal_(net.write_motion.depart.weight, std=0.1)

    def said():
        numbers = net(one.cells.flatten(-2) if one.cells.ndim > 4 else one.cells,
                      torch.zeros(len(one.cells), one.grid.views * one.grid.groups), one.context,
                      one.condition, one.states, one.stage, one.grid, paint=False).numbers
        return numbers - net.lawful(one.condition, one.states)

    one.states.known[:, :, 0] = 1
    before = said()
    torch.nn.init.normal_(net.laws.of_scenario, std=0.1)
    assert not torch.allclose(said(), before, atol=1e-4), "departures follow, too"


def test_bodies_are_counted_along_the_axis_they_lie_along():
    trainer = Trainer(CONFIG, [ball_clips(cases=12)], quiet)
    subject = trainer.data[0].subject
    places = np.array([[0.5, 0, 0], [-0.5, 0, 1], [np.nan] * 3])
    assert subject.along and subject.counted(places).tolist() in ([1, 0, 2], [0, 1, 2])
    across = dataclasses.replace(subject, along=(1.0, 0.0, 0.0))
    assert across.counted(places).tolist() == [1, 0, 2]
    assert across.counted(np.stack([places, -places])).tolist() == [[1, 0, 2], [0, 1, 2]]
    assert dataclasses.replace(subject, along=()).counted(places).tolist() == [0, 1, 2]
    places[0] = np.nan
    assert across.counted(places).tolist() == [1, 0, 2], "what is not there comes last"


class Noted(torch.nn.Module):
    """Answers with what it is shown, and notes the tasks."""

    def __init__(self, network) -> None:
        super().__init__()
        self.entity, self.looks, self.asked = network.entity, network.looks, []

    def lawful(self, condition, states, ahead=True):
        return states.numbers

    def forward(self, noisy, level, context, condition, states, stage, grid, mask, paint):
        self.asked.append((grid.views, grid.groups, paint, states.known.clone(),
                           float(condition.states_noise)))
        return Prediction(noisy, states.numbers)


def test_states_are_read_then_foreseen_then_shown():
    network = Noted(tiny_model().network)
    model = VideoDiffusion(MODEL, network, "").with_sampler(steps=1, state_steps=1)
    film = np.random.default_rng(0).integers(0, 256, (1, 5, *SIZE, 3), np.uint8)
    query = Query("free_fall", {}, cameras=("side",), size=SIZE, fps=20.0, duration=1.0,
                  known=(Known("side", film),))
    model.rollout(query)
    read, foreseen, shown = network.asked
    assert read[:3] == (1, 1, False) and not read[3].any() and read[4] == 0
    assert foreseen[:3] == (0, 4, False) and foreseen[3][0, 0].tolist() == [1, 0, 0, 0]
    assert foreseen[4] == pytest.approx(0.008), "what was read is said to be a little off"
    assert shown[:3] == (1, 4, True) and (shown[3][0, :2] == 1).all() and shown[4] == 0
    network.asked.clear()
    model.with_sampler(together=True).rollout(query)
    assert [task[:3] for task in network.asked] == [(1, 4, True)]
    network.asked.clear()
    states = tuple(KnownStates(f"body {k + 1}", np.full((1, 20, 9), float(k))) for k in range(2))
    model.rollout(dataclasses.replace(query, known=(), states=states))
    assert [task[:3] for task in network.asked] == [(1, 4, True)], "all was told"


def test_bodies_keep_their_names_however_they_are_counted():
    """Told states come back under the names they were told by, though the network counts anew."""
    model = tiny_model()
    subject = dataclasses.replace(model.config.repertoire.subjects[1], along=(1.0, 0.0, 0.0))
    known = dataclasses.replace(model.config.repertoire,
                                subjects=(model.config.repertoire.subjects[0], subject))
    model.config = dataclasses.replace(model.config, repertoire=known)
    right, left = np.zeros((1, 5, 9)), np.zeros((1, 5, 9))
    right[..., 0], left[..., 0] = 0.9, -0.9
    query = Query("free_fall", {}, cameras=("side",), size=SIZE, fps=20.0, duration=1.0,
                  states=(KnownStates("body 1", right), KnownStates("body 2", left)))
    said = model.rollout(query)["said"]["state"].values[0, 0]
    np.testing.assert_allclose(said[:5, 0, 0], 0.9, atol=1e-5)
    np.testing.assert_allclose(said[:5, 1, 0], -0.9, atol=1e-5)


def test_known_states_are_as_noisy_as_readings_and_their_turns_more():
    generator = torch.Generator().manual_seed(0)
    size = torch.tensor([0.0, 1e-3, 0.02])
    noise = torch.randn(3, 400, 2, FRAMES * NUMBERS + EXTRA, generator=generator)
    found = as_read(noise, size)
    assert not found[0].any()
    torch.testing.assert_close(found[..., -EXTRA:], size[:, None, None, None]
                               * noise[..., -EXTRA:])
    frames = found[..., :-EXTRA].unflatten(-1, (FRAMES, NUMBERS))
    given = noise[..., :-EXTRA].unflatten(-1, (FRAMES, NUMBERS))
    torch.testing.assert_close(frames[2, ..., :3], 0.02 * given[2, ..., :3])
    for row, expected in ((1, TURNS * 1e-3), (2, MOST)):
        turns = frames[row, ..., 3:]
        assert float(turns.std()) == pytest.approx(expected, rel=0.03)
        alike = (turns[:, :, 0] * turns[:, :, 3]).mean() / turns.square().mean()
        wanted = SHARED**2 - (1 - SHARED**2) / (FRAMES - 1)
        assert float(alike) == pytest.approx(wanted, abs=0.04), "most of it in all frames"
