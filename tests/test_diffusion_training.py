"""Training the world model: clips on disk, exact resumption, learning, warm starts, bad input."""

from __future__ import annotations

import dataclasses
import json
import os
import signal

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from synthetic_clips import ball_clips, cameras_of, synthetic_clips

from worldsim.diffusion.averaging import average_checkpoints
from worldsim.diffusion.batches import Kind
from worldsim.diffusion.checkpoint import WEIGHTS, ModelConfig
from worldsim.diffusion.clip_factory import generate_clips
from worldsim.diffusion.clip_files import (
    case_file,
    failed_cases,
    failure_file,
    read_case,
    write_case,
)
from worldsim.diffusion.clips import ClipManifest, load_clips
from worldsim.diffusion.conditioning import ParameterSpec
from worldsim.diffusion.laws import TABLES
from worldsim.diffusion.layers import Spread, TransformerConfig
from worldsim.diffusion.objective import ObjectiveConfig
from worldsim.diffusion.patches import PatchConfig, from_cells, to_uint8, to_unit
from worldsim.diffusion.presets import TrainingConfig, preset
from worldsim.diffusion.repertoire import Repertoire, Subject
from worldsim.diffusion.step_loss import step_loss
from worldsim.diffusion.trainer import COMMON, Trainer
from worldsim.diffusion.training import train
from worldsim.diffusion.training_clips import BatchConfig, subject_of
from worldsim.diffusion.training_state import STATE
from worldsim.diffusion.warm_start import Earlier, carried_over
from worldsim.errors import InputError
from worldsim.scenario import scenario_class
from worldsim.simulator import world
from worldsim.simulator.audit import Failure

CONFIG = TrainingConfig(
    transformer=TransformerConfig(patches=PatchConfig(frames=5, patch=8, cell=4), width=32,
                                  layers=2, heads=2, hidden=48, detail=16),
    batch=BatchConfig(tokens=96, frames=10, town_frames=10), held_out=1, steps=4, warmup=2,
    compiled=False, precision="float32", learning_rate=3e-3,
)


@pytest.fixture(scope="module")
def water():
    """Clips of one scenario, without states."""
    return synthetic_clips(cases=3, frames=14, size=(16, 24))


@pytest.fixture(scope="module")
def clips(water):
    """Clips of two scenarios, one of them with states."""
    return [water, ball_clips()]


def quiet(_: str) -> None:
    pass


def test_two_steps_and_two_more_equal_four(clips, tmp_path):
    train(CONFIG, clips, tmp_path / "whole", log=quiet)
    # The rate depends on the share of the run that is done, so the halves are of one run of four.
    half = Trainer(CONFIG, clips, quiet)
    half.step(), half.step()
    (tmp_path / "halves").mkdir()
    half.save(tmp_path / "halves", [])
    train(CONFIG, clips, tmp_path / "halves", resume=True, log=quiet)
    whole, halves = (load_file(tmp_path / d / STATE) for d in ("whole", "halves"))
    assert whole.keys() == halves.keys() and len(whole) > 100
    assert all(torch.equal(whole[name], halves[name]) for name in whole)


FILMS = dataclasses.replace(CONFIG, batch=dataclasses.replace(CONFIG.batch, paths=0, readings=0,
                                                              laws=0, looks=0))


@pytest.mark.parametrize("kind", ["water", "ball"])
def test_a_few_clips_are_learned_by_heart(kind, water):
    config = dataclasses.replace(FILMS, steps=450, decay=0.0)
    trainer = Trainer(config, [water if kind == "water" else ball_clips()], quiet)
    fixed = [trainer.batch(k, seed=1) for k in range(16)]

    def losses() -> np.ndarray:
        with torch.no_grad():
            return np.mean([step_loss(trainer.network, b).tolist() for b in fixed], axis=0)

    before = losses()
    for _ in range(config.steps):
        trainer.step()
    whole, pixels, states = losses()
    assert pixels < 0.35 * before[1] and whole == pytest.approx(pixels + states)
    if kind == "ball":
        assert states < 0.2 * before[2], "steps from frame to frame count, too"
    else:
        assert states == before[2] == 0, "these clips keep no states"


def test_steps_with_exploding_gradients_are_left_out_and_said(clips):
    said: list[str] = []
    trainer = Trainer(dataclasses.replace(CONFIG, worst=1e-9), clips, said.append)
    before = {name: p.detach().clone() for name, p in trainer.network.named_parameters()}
    trainer.step()
    assert all(torch.equal(p, before[name]) for name, p in trainer.network.named_parameters())
    kind = trainer.batch(0).kind.value
    assert f"step 0 left out: a batch of {kind} whose gradient has the norm" in said[-1]
    assert said[-1].split()[-1] in before


def test_rare_shapes_of_batches_are_not_compiled(clips):
    trainer = Trainer(CONFIG, clips, quiet)
    films = next(b for b in map(trainer.batch, range(99)) if b.kind is Kind.FILMS)
    paths = next(b for b in map(trainer.batch, range(99)) if b.kind is Kind.PATHS)
    stances = [trainer._stance(films) for _ in range(COMMON + 2)]
    assert stances == ["force_eager"] * COMMON + ["default"] * 2
    assert trainer._stance(paths) == "force_eager"


def test_interruption_saves_and_a_later_call_continues(clips, tmp_path):
    config = dataclasses.replace(CONFIG, steps=6)

    def interrupt(fraction: float, line: str) -> None:
        if fraction >= 0.5:
            os.kill(os.getpid(), signal.SIGTERM)

    train(config, clips, tmp_path, log=quiet, progress=interrupt)
    steps = json.loads((tmp_path / "config.json").read_text())["training"]["steps"]
    assert steps == 3
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL
    train(config, clips, tmp_path, resume=True, log=quiet)
    record = json.loads((tmp_path / "config.json").read_text())["training"]
    assert record["steps"] == 6 and record["total_clips"] == record["clips"] > 6


def test_a_warm_start_keeps_the_account_of_what_came_before(clips, tmp_path):
    train(CONFIG, clips, tmp_path / "a", log=quiet)
    # The scenario may have changed in between; the account says which version a run was trained on.
    water, balls = clips
    later = dataclasses.replace(water, version=water.version + 1)
    train(CONFIG, [later, balls], tmp_path / "b", init=tmp_path / "a", log=quiet)
    a, b = (json.loads((tmp_path / d / "config.json").read_text())["training"] for d in "ab")
    assert b["total_clips"] == a["clips"] + b["clips"]
    assert b["total_flops"] == a["flops"] + b["flops"] > 0
    versions = f"tsunami {water.version}, free_fall {balls.version}"
    assert b["earlier"][0]["sha256"] and b["earlier"][0]["version"] == versions
    subjects = json.loads((tmp_path / "b" / "config.json").read_text())["repertoire"]["subjects"]
    assert [subject["version"] for subject in subjects] == [later.version, balls.version]
    card = (tmp_path / "b" / "README.md").read_text()
    assert f"{b['total_clips']:,} clips" in card and "started from weights" in card
    assert f"of scenario version {versions}" in card


def knows(*subjects: tuple[str, tuple[ParameterSpec, ...]], cameras: tuple[str, ...],
          **changes) -> ModelConfig:
    """A network's configuration: scenarios with their parameters, and the cameras by name."""
    views = cameras_of("tsunami")
    return ModelConfig(
        dataclasses.replace(CONFIG.transformer, **changes),
        Repertoire(tuple(Subject(name, 1, specs, views, 5.0, 10, (16, 24))
                         for name, specs in subjects), cameras))


def earlier(config: ModelConfig, weights) -> Earlier:
    known = config.repertoire
    return Earlier(config.transformer,
                   tuple((one.name, spec) for one in known.subjects for spec in one.parameters),
                   tuple(one.name for one in known.subjects), known.cameras, weights, {}, "", "")


KIND = ParameterSpec("kind", choices=("a", "b"))
MORE_KINDS = ParameterSpec("kind", choices=("a", "b", "c"))
HEIGHT = ParameterSpec("height", "m", 1.0, 2.0)


def test_a_warm_start_takes_over_what_is_still_told_the_same():
    old = knows(("wave", (HEIGHT, KIND, ParameterSpec("slope", "1", 0.0, 1.0))),
                cameras=("above", "side"))
    new = knows(("fall", (ParameterSpec("height", "m", 1.0, 2.0),)),
                ("wave", (ParameterSpec("wall", "m", 0.0, 4.0), MORE_KINDS, HEIGHT,
                          ParameterSpec("slope", "1", 0.0, 2.0))), cameras=("side", "above"))
    torch.manual_seed(0)
    before, after = old.network(), new.network()
    torch.nn.init.normal_(before.locate.tell.weight)
    torch.nn.init.normal_(before.locate.to_position)
    state, anew = carried_over(earlier(old, before.state_dict()), new, after.state_dict())
    assert anew == ["fall.height", "wave.wall", "wave.slope"], (
        "a slope in another range means something else, and a height of another scenario, too")
    after.load_state_dict(state)
    waves = [config.repertoire.subject("wave") for config in (old, new)]
    told = {"height": np.array([1.3]), "kind": np.array([1.0])}
    vectors = before.parameters_in(old.repertoire.tell(waves[0], told, 1))
    again = after.parameters_in(new.repertoire.tell(waves[1], told, 1))
    torch.testing.assert_close(again[:, [2, 1]], vectors[:, [0, 1]])
    wall = [after.parameters_in(new.repertoire.tell(waves[1], told | {"wall": np.array([v])}, 1))
            for v in (0.0, 4.0)]
    torch.testing.assert_close(*wall)
    torch.testing.assert_close(after.scenario[1], before.scenario[0])
    torch.testing.assert_close(after.camera.flip(0), before.camera)
    table = [net.expert(0).position.weight.unflatten(0, (2, -1)) for net in (before, after)]
    torch.testing.assert_close(table[1].flip(0), table[0])
    torch.testing.assert_close(after.locate.to_position.flip(0), before.locate.to_position)
    tell = [net.locate.tell.weight for net in (before, after)]
    torch.testing.assert_close(tell[1][:, :-2], tell[0][:, :-2])
    torch.testing.assert_close(tell[1][:, -2:].flip(1), tell[0][:, -2:])
    for table in ("scenario", "of_scenario", *TABLES):
        torch.testing.assert_close(getattr(after.laws, table)[1], getattr(before.laws, table)[0])
    torch.testing.assert_close(after.looks.scenario[1], before.looks.scenario[0])
    torch.testing.assert_close(after.laws.sized.scenario[1], before.laws.sized.scenario[0])
    for table in ("values", "of_parameter", "sized.values"):
        now, then = (net.laws.get_parameter(table) for net in (after, before))
        torch.testing.assert_close(now[[2, 3]], then[[1, 0]])  # kind, height
    assert not after.laws.values[[0, 1, 4]].any(), "what is told anew weighs nothing"
    renumbered = ("parameters_in.", "scenario", "camera", "experts.0.position.",
                  "locate.tell.weight", "locate.to_position", "laws.values",
                  "laws.of_parameter", "laws.scenario", "laws.of_scenario", "laws.sized.values",
                  "laws.sized.scenario", "looks.scenario", *(f"laws.{name}" for name in TABLES))
    for name, value in before.state_dict().items():
        if not name.startswith(renumbered) or name.startswith("parameters_in.mix"):
            torch.testing.assert_close(state[name], value)


def test_a_warm_start_may_know_fewer_choices_and_keeps_its_empty_slots():
    many = ParameterSpec("kind", choices=tuple("abcdefghi"))
    old = knows(("wave", (HEIGHT, many)), ("fall", (HEIGHT,)), cameras=("above",))
    new = knows(("wave", (HEIGHT,)), ("fall", (HEIGHT, KIND)), cameras=("above",))
    torch.manual_seed(0)
    before, after = old.network(), new.network()
    state, anew = carried_over(earlier(old, before.state_dict()), new, after.state_dict())
    assert anew == ["fall.kind"]
    after.load_state_dict(state)
    told = {"height": np.array([1.3])}
    for name in ("wave", "fall"):
        a, b = (net.parameters_in(config.repertoire.tell(config.repertoire.subject(name), told, 1))
                for net, config in ((before, old), (after, new)))
        torch.testing.assert_close(b[:, 0], a[:, 0])
    empty = [net.parameters_in(config.repertoire.tell(config.repertoire.subject(name), {}, 1))[:, 1]
             for net, config, name in ((before, old, "fall"), (after, new, "wave"))]
    torch.testing.assert_close(empty[1], empty[0])


def test_layers_that_a_warm_start_adds_pass_on_what_they_are_given():
    old, new = (knows(("wave", (HEIGHT,)), cameras=("above",), layers=layers) for layers in (1, 3))
    torch.manual_seed(0)
    before, after = old.network(), new.network()
    state, _ = carried_over(earlier(old, before.state_dict()), new, after.state_dict())
    after.load_state_dict(state)
    x = torch.randn(1, 7, 32)
    modulation, turn = torch.randn(1, 1, 6, 32), torch.ones(1, 1, 7, 8)
    spread = Spread(0, 0, 0, 7)

    def through(blocks):
        found = x
        for block in blocks:
            found = block(found, modulation, spread, turn, 0 * turn, None)
        return found

    assert torch.equal(*(through(net.expert(0).blocks)
                         for net in (after, before)))
    assert not torch.equal(through(before.expert(0).blocks), x)


def test_the_mean_of_a_checkpoint_and_its_start_lies_between(clips, tmp_path):
    a, b, mean = (tmp_path / name for name in ("a", "b", "mean"))
    train(CONFIG, clips, a, log=quiet)
    train(CONFIG, clips, b, init=a, log=quiet)
    average_checkpoints(b, a, 0.25, mean)
    first, last, found = (load_file(d / WEIGHTS) for d in (a, b, mean))
    for name, value in found.items():
        between = 0.75 * last[name].float() + 0.25 * first[name].float()
        torch.testing.assert_close(value.float(), between, atol=1e-6, rtol=2**-8)  # bfloat16
    before, record = (json.loads((d / "config.json").read_text()) for d in (b, mean))
    assert record["training"]["total_clips"] == before["training"]["total_clips"]
    assert record["training"]["averaged"]["share"] == 0.25
    assert "mean of the last run's (share 0.75)" in (mean / "README.md").read_text()
    with pytest.raises(InputError, match="share=2"):
        average_checkpoints(b, a, 2, mean)
    with pytest.raises(InputError, match="did not start from"):
        average_checkpoints(a, b, 0.5, mean)


def test_physical_errors_are_logged(clips, tmp_path):
    train(CONFIG, clips, tmp_path, log=quiet, validate=lambda model: {"front [m]": 3.5})
    last = json.loads((tmp_path / "metrics.jsonl").read_text().splitlines()[-1])
    assert last["validation"]["front [m]"] == 3.5
    assert 0 < last["validation"]["held_out_loss"] < 10
    assert "| front [m] | 3.5 |" in (tmp_path / "README.md").read_text()


def test_batches_depend_on_seed_and_step_alone(clips):
    trainer = Trainer(CONFIG, clips, quiet)
    trainer.step()
    again = Trainer(CONFIG, clips, quiet)
    for step in (0, 5):
        a, b = trainer.batch(step), again.batch(step)
        assert torch.equal(a.noise, b.noise) and torch.equal(a.clean, b.clean)
        assert torch.equal(a.level, b.level)
        assert torch.equal(a.states.numbers, b.states.numbers)
        assert torch.equal(a.states_noise, b.states_noise)
    assert not torch.equal(trainer.batch(0).states_noise, trainer.batch(1).states_noise)


def test_batches_show_clips_and_their_mirror_images(water):
    trainer = Trainer(CONFIG, [water], quiet)
    seen = {(view, flipped): 0 for view in (0, 1) for flipped in (False, True)}
    for step in range(12):
        batch = trainer.batch(step, cases=(np.array([0]),))
        cells = to_unit(batch.clean).flatten(-2)
        pixels = from_cells(cells, batch.grid, CONFIG.transformer.patches)
        for b in range(batch.clips):
            for v, view in enumerate(batch.condition.camera[b, :, 0].tolist()):
                video = to_uint8(pixels[b, v])
                source = water.video[0, view]
                windows = [source[s:s + 10] for s in range(5)]
                axis = {0: 1, 1: 2}[view]
                plain = any(torch.equal(video, w) for w in windows)
                flipped = any(torch.equal(video, w.flip(axis)) for w in windows)
                assert plain != flipped
                seen[view, flipped] += 1
    assert min(seen.values()) > 0


def test_batches_are_of_the_scenarios_whose_clips_have_one_shape(clips):
    trainer = Trainer(FILMS, clips, quiet)
    batches = [trainer.batch(step) for step in range(60)]
    scenarios = [set(batch.condition.scenario.tolist()) for batch in batches]
    assert all(len(found) == 1 for found in scenarios), "slots and weights differ"
    towns = sum(found == {0} for found in scenarios)
    assert 32 < towns < 57, "a town is drawn three times as often"
    for batch, found in zip(batches, scenarios, strict=True):
        assert batch.expected == (24.0 if found == {0} else 0.0)
        assert batch.states.entity.shape[1] == (0 if found == {0} else 3)
        cameras = set(batch.condition.camera.flatten().tolist())
        assert cameras <= ({0, 1} if found == {0} else {2, 3})
    balls = ball_clips()
    slow = dataclasses.replace(balls, scenario="pendulum", version=1)
    no_looks = dataclasses.replace(CONFIG, batch=dataclasses.replace(CONFIG.batch, looks=0.0))
    together = Trainer(no_looks, [balls, slow], quiet)
    mixed = [set(together.batch(step).condition.scenario.tolist()) for step in range(8)]
    assert {0, 1} in mixed


def test_parameters_are_dropped_at_the_stated_rate(water):
    config = dataclasses.replace(CONFIG, objective=ObjectiveConfig(drop=0.3))
    trainer = Trainer(config, [water], quiet)
    presence = torch.cat([trainer.batch(step).condition.told.presence for step in range(150)])
    specs = trainer.model.repertoire.parameters
    told = dict(zip([spec.name for spec in specs], presence.mean(0), strict=True))
    assert float(told["street_elevation"]) == 0  # not among the clips' parameters
    assert abs(float(told["wave_height"]) - 0.7) < 0.05
    assert abs(float(told["clip_start"]) - 0.7) < 0.05


def test_stored_clips_come_back(tmp_path):
    manifest = ClipManifest("tsunami", 1, 7, {"overhead": "{}"}, 5.0, 1.0, (8, 8))
    manifest.write(tmp_path)
    video = np.random.default_rng(0).integers(0, 256, (5, 8, 8, 3), np.uint8)
    write_case(tmp_path, 3, {"wave_height": 4.5}, {"overhead": video, "wet": video[..., 0] > 9})
    loaded = load_clips(tmp_path)
    assert loaded.case_ids == (3,) and loaded.parameters["wave_height"].tolist() == [4.5]
    assert np.array_equal(loaded.video[0, 0], video)
    assert np.array_equal(read_case(tmp_path, 3)[1]["wet"], video[..., 0] > 9)
    with pytest.raises(InputError, match="another definition"):
        dataclasses.replace(manifest, seed=8).write(tmp_path)


@pytest.mark.parametrize("damage", ["truncated", "changed", "other shape"])
def test_damaged_clips_are_refused(tmp_path, damage):
    ClipManifest("tsunami", 1, 7, {"overhead": "{}"}, 5.0, 1.0, (8, 8)).write(tmp_path)
    frames = 4 if damage == "other shape" else 5
    write_case(tmp_path, 0, {}, {"overhead": np.zeros((frames, 8, 8, 3), np.uint8)})
    path = case_file(tmp_path, 0)
    content = bytearray(path.read_bytes())
    if damage == "truncated":
        path.write_bytes(content[:-10])
    if damage == "changed":
        content[-1] ^= 1
        path.write_bytes(content)
    with pytest.raises(InputError, match="make it again"):
        load_clips(tmp_path)


def test_generated_clips_are_kept_and_continued(tmp_path):
    made = list(generate_clips(
        tmp_path, "tsunami", [0], seed=5, workers=1, duration=0.4, size=(16, 24)))
    assert made == [0]
    before = case_file(tmp_path, 0).stat().st_mtime_ns
    assert list(generate_clips(
        tmp_path, "tsunami", [0], seed=5, workers=1, duration=0.4, size=(16, 24))) == []
    assert case_file(tmp_path, 0).stat().st_mtime_ns == before
    loaded = load_clips(tmp_path)
    assert loaded.video.shape == (1, 2, 2, 16, 24, 3)
    declared = scenario_class("tsunami").parameters()
    assert loaded.parameters.keys() == declared.keys()
    told = {spec.name for spec in subject_of(loaded, BatchConfig(), 1).parameters}
    assert told == {name for name, spec in declared.items() if spec.seen} < declared.keys()
    with pytest.raises(InputError, match="another definition"):
        list(generate_clips(tmp_path, "tsunami", [0], seed=6, workers=1))


def test_a_case_that_failed_its_audit_is_noted_and_never_learned_from(tmp_path, monkeypatch):
    simulate = world.simulate

    def simulate_badly(*args, **options):
        truth = simulate(*args, **options)
        truth["audit"]["failed"][0] = True
        truth["audit"]["failure"][0] = int(Failure.MASS)
        return truth

    monkeypatch.setattr(world, "simulate", simulate_badly)
    options = {"seed": 5, "workers": 1, "duration": 0.4, "size": (16, 24)}
    assert list(generate_clips(tmp_path, "tsunami", [3, 4], **options)) == [3, 4]
    assert failed_cases(tmp_path) == [3]
    assert "case 3" in failure_file(tmp_path, 3).read_text()
    assert load_clips(tmp_path).case_ids == (4,)
    assert list(generate_clips(tmp_path, "tsunami", [3, 4], **options)) == []


def test_unusable_input_is_named(clips, tmp_path):
    with pytest.raises(InputError, match="tiny, small"):
        preset("huge")
    with pytest.raises(InputError, match="nothing to resume"):
        train(CONFIG, clips, tmp_path / "none", resume=True, log=quiet)
    with pytest.raises(InputError, match="held out"):
        Trainer(dataclasses.replace(CONFIG, held_out=3), clips, quiet)
    brief = dataclasses.replace(clips[0], video=clips[0].video[:, :, :4])
    with pytest.raises(InputError, match="tsunami have 4 frames"):
        Trainer(CONFIG, [brief], quiet)
    train(dataclasses.replace(CONFIG, steps=1), clips, tmp_path / "run", log=quiet)
    with pytest.raises(InputError, match="--resume"):
        train(CONFIG, clips, tmp_path / "run", log=quiet)
    with pytest.raises(InputError, match="another training configuration"):
        train(dataclasses.replace(CONFIG, seed=9), clips, tmp_path / "run", resume=True, log=quiet)
    wide = dataclasses.replace(CONFIG.transformer, width=64)
    wider = dataclasses.replace(CONFIG, transformer=wide)
    with pytest.raises(InputError, match="differs in its width"):
        train(wider, clips, tmp_path / "wide", init=tmp_path / "run", log=quiet)
    (tmp_path / "run" / WEIGHTS).write_bytes(b"short")
    with pytest.raises(InputError, match="truncated"):
        train(CONFIG, clips, tmp_path / "again", init=tmp_path / "run", log=quiet)
