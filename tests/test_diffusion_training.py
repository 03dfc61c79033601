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
from synthetic_clips import synthetic_clips

from worldsim.diffusion.averaging import average_checkpoints
from worldsim.diffusion.batches import BatchConfig
from worldsim.diffusion.checkpoint import WEIGHTS
from worldsim.diffusion.clip_factory import generate_clips
from worldsim.diffusion.clip_files import (
    case_file,
    failed_cases,
    failure_file,
    read_case,
    write_case,
)
from worldsim.diffusion.clips import ClipManifest, load_clips
from worldsim.diffusion.conditioning import ParameterSpec, encode_parameters
from worldsim.diffusion.objective import ObjectiveConfig
from worldsim.diffusion.patches import PatchConfig, from_cells, to_uint8, to_unit
from worldsim.diffusion.presets import TrainingConfig, preset
from worldsim.diffusion.training import Trainer, parameter_specs, train
from worldsim.diffusion.training_state import STATE
from worldsim.diffusion.transformer import TransformerConfig, VideoTransformer
from worldsim.diffusion.warm_start import carried_over
from worldsim.errors import InputError
from worldsim.scenario import scenario_class
from worldsim.simulator import world
from worldsim.simulator.audit import Failure

CONFIG = TrainingConfig(
    transformer=TransformerConfig(patches=PatchConfig(frames=5, patch=8, cell=4), width=32,
                                  layers=2, heads=2, hidden=48, detail=16),
    batch=BatchConfig(tokens=96, frames=10), held_out=1, steps=4, warmup=2, compiled=False,
    precision="float32", learning_rate=3e-3,
)


@pytest.fixture(scope="module")
def clips():
    return synthetic_clips(cases=3, frames=14, size=(16, 24))


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


def test_a_few_clips_are_learned_by_heart(clips):
    config = dataclasses.replace(CONFIG, steps=160, decay=0.0)
    trainer = Trainer(config, clips, quiet)
    losses = [trainer.step()["loss"] for _ in range(config.steps)]
    assert np.mean(losses[-30:]) < 0.35 * np.mean(losses[:5])


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
    later = dataclasses.replace(clips, version=clips.version + 1)
    train(CONFIG, later, tmp_path / "b", init=tmp_path / "a", log=quiet)
    a, b = (json.loads((tmp_path / d / "config.json").read_text())["training"] for d in "ab")
    assert b["total_clips"] == a["clips"] + b["clips"]
    assert b["total_flops"] == a["flops"] + b["flops"] > 0
    assert b["earlier"][0]["sha256"] and b["earlier"][0]["version"] == clips.version
    assert json.loads((tmp_path / "b" / "config.json").read_text())["version"] == later.version
    card = (tmp_path / "b" / "README.md").read_text()
    assert f"{b['total_clips']:,} clips" in card and "started from weights" in card
    assert f"of scenario version {clips.version}" in card


def test_a_warm_start_takes_over_what_is_still_told_the_same():
    old = (ParameterSpec("height", "m", 1.0, 2.0), ParameterSpec("kind", choices=("a", "b")),
           ParameterSpec("slope", "1", 0.0, 1.0))
    new = (ParameterSpec("wall", "m", 0.0, 4.0), ParameterSpec("kind", choices=("a", "b", "c")),
           ParameterSpec("height", "m", 1.0, 2.0), ParameterSpec("slope", "1", 0.0, 2.0))
    torch.manual_seed(0)
    before, fresh = (VideoTransformer(CONFIG.transformer, specs, 2) for specs in (old, new))
    state, anew = carried_over(before.state_dict(), old, fresh.state_dict(), new)
    assert anew == ["wall", "slope"], "a slope in another range means something else"
    after = VideoTransformer(CONFIG.transformer, new, 2)
    after.load_state_dict(state)
    told = {"height": np.array([1.3]), "kind": np.array([1.0])}
    vectors = before.parameters_in(*encode_parameters(old, told, 1))
    again = after.parameters_in(*encode_parameters(new, told, 1))
    torch.testing.assert_close(again[:, [2, 1]], vectors[:, [0, 1]])
    wall = [after.parameters_in(*encode_parameters(new, told | {"wall": np.array([v])}, 1))
            for v in (0.0, 4.0)]
    torch.testing.assert_close(*wall)
    for name, value in before.state_dict().items():
        if not name.startswith("parameters_in."):
            torch.testing.assert_close(state[name], value)


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
    assert not torch.equal(trainer.batch(0).level, trainer.batch(1).level)


def test_batches_show_clips_and_their_mirror_images(clips):
    trainer = Trainer(CONFIG, clips, quiet)
    seen = {(view, flipped): 0 for view in (0, 1) for flipped in (False, True)}
    for step in range(12):
        batch = trainer.batch(step, cases=np.array([0]))
        cells = to_unit(batch.clean).flatten(-2)
        pixels = from_cells(cells, batch.grid, CONFIG.transformer.patches)
        for b in range(batch.clips):
            for v, view in enumerate(batch.condition.camera[b].tolist()):
                video = to_uint8(pixels[b, v])
                source = clips.video[0, view]
                windows = [source[s:s + 10] for s in range(5)]
                axis = {0: 1, 1: 2}[view]
                plain = any(torch.equal(video, w) for w in windows)
                flipped = any(torch.equal(video, w.flip(axis)) for w in windows)
                assert plain != flipped
                seen[view, flipped] += 1
    assert min(seen.values()) > 0


def test_parameters_are_dropped_at_the_stated_rate(clips):
    config = dataclasses.replace(CONFIG, objective=ObjectiveConfig(drop=0.3))
    trainer = Trainer(config, clips, quiet)
    presence = torch.cat([trainer.batch(step).condition.presence for step in range(150)])
    told = dict(zip([spec.name for spec in trainer.specs], presence.mean(0), strict=True))
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
    told = {spec.name for spec in parameter_specs(loaded, loaded.frames / loaded.fps)}
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
    with pytest.raises(InputError, match="frames"):
        Trainer(dataclasses.replace(CONFIG, batch=BatchConfig(frames=20)), clips, quiet)
    train(dataclasses.replace(CONFIG, steps=1), clips, tmp_path / "run", log=quiet)
    with pytest.raises(InputError, match="--resume"):
        train(CONFIG, clips, tmp_path / "run", log=quiet)
    with pytest.raises(InputError, match="another training configuration"):
        train(dataclasses.replace(CONFIG, seed=9), clips, tmp_path / "run", resume=True, log=quiet)
    wide = dataclasses.replace(CONFIG.transformer, width=64)
    wider = dataclasses.replace(CONFIG, transformer=wide)
    with pytest.raises(InputError, match="differs in its transformer"):
        train(wider, clips, tmp_path / "wide", init=tmp_path / "run", log=quiet)
    (tmp_path / "run" / WEIGHTS).write_bytes(b"short")
    with pytest.raises(InputError, match="truncated"):
        train(CONFIG, clips, tmp_path / "again", init=tmp_path / "run", log=quiet)
