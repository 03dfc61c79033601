"""The factory of clips: packed without loss, resumable after a kill, counted, seeds kept apart."""

import dataclasses
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from safetensors.numpy import save_file
from synthetic_clips import cameras_of

from worldsim.diffusion import clip_factory
from worldsim.diffusion.clip_factory import MAKING, generate_clips, made_in
from worldsim.diffusion.clip_files import (
    ABANDONED,
    _checksum,
    case_file,
    pack,
    read_case,
    remove_abandoned,
    stored_cases,
    unpack,
    write_case,
)
from worldsim.diffusion.clips import ClipManifest, ClipSet, load_clips
from worldsim.diffusion.conditioning import CLIP_START
from worldsim.diffusion.presets import preset
from worldsim.diffusion.training_clips import subject_of
from worldsim.errors import InputError
from worldsim.scenario import scenario_class
from worldsim.simulator.distribution import WorkerDied
from worldsim.splits import Purpose, Split, seed_for, split_of

SEED = seed_for(Purpose.TRAINING, 5)
SMALL = {"seed": SEED, "duration": 0.5, "size": (16, 16)}


@given(st.one_of(*(arrays(dtype, array_shapes(min_dims=1, max_dims=4, max_side=6))
                   for dtype in (np.uint8, np.float32, np.int64, np.bool_))))
def test_packing_loses_nothing(array):
    packed, packing = pack(array)
    again = unpack(packed, json.loads(json.dumps(packing)))
    assert again.dtype == array.dtype and again.shape == array.shape
    assert again.tobytes() == array.tobytes()


def test_a_still_camera_is_packed_small_and_noise_hardly_grows(tmp_path):
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 256, (20, 32, 32, 3), np.uint8)
    assert len(pack(noise)[0]) < 1.001 * noise.nbytes
    still = np.repeat(noise[:1], 20, axis=0)
    assert len(pack(still)[0]) < 1.1 * noise[0].nbytes
    drifting = (still + np.arange(20, dtype=np.uint8)[:, None, None, None])
    packed, packing = pack(drifting)
    assert packing["changes"] and len(packed) < 1.1 * noise[0].nbytes


def test_plain_files_of_earlier_versions_are_still_read(tmp_path):
    ClipManifest("free_fall", 1, 7, {"side": "{}"}, 5.0, 1.0, (8, 8)).write(tmp_path)
    fields = json.loads((tmp_path / "clips.json").read_text())
    fields.pop("split")
    (tmp_path / "clips.json").write_text(json.dumps(fields))
    video = np.random.default_rng(0).integers(0, 256, (5, 8, 8, 3), np.uint8)
    save_file({"side": video}, case_file(tmp_path, 0), metadata={
        "case": "0", "parameters": json.dumps({"height": 2.0}),
        "sha256": _checksum({"side": video})})
    loaded = load_clips(tmp_path)
    assert np.array_equal(loaded.video[0, 0], video) and loaded.split == "in_range"


def test_changed_parameters_are_noticed(tmp_path):
    write_case(tmp_path, 0, {"height": 2.0}, {"side": np.zeros((5, 8, 8, 3), np.uint8)})
    content = case_file(tmp_path, 0).read_bytes()
    assert content.count(b"2.0}") == 1
    case_file(tmp_path, 0).write_bytes(content.replace(b"2.0}", b"2.5}"))
    with pytest.raises(InputError, match="checksum differs"):
        read_case(tmp_path, 0)


@pytest.mark.parametrize("at", [0.3, 0.6, 0.95])
def test_one_changed_byte_is_noticed(tmp_path, at):
    video = np.random.default_rng(0).integers(0, 9, (5, 8, 8, 3), np.uint8)
    write_case(tmp_path, 0, {"height": 2.0}, {"side": video})
    content = bytearray(case_file(tmp_path, 0).read_bytes())
    content[int(at * len(content))] ^= 4
    case_file(tmp_path, 0).write_bytes(content)
    with pytest.raises(InputError, match="make it again"):
        read_case(tmp_path, 0)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Clips of twelve cases, made in one go by this process."""
    out = tmp_path_factory.mktemp("clips") / "whole"
    assert list(generate_clips(out, "free_fall", range(12), workers=1, **SMALL)) == list(range(12))
    return out


def test_views_size_rate_and_cases_come_from_the_scenario_and_the_seed(made):
    cls = scenario_class("free_fall")
    clips = load_clips(made)
    assert tuple(clips.cameras) == cls.film_cameras and clips.fps == cls.fps
    assert clips.video.shape == (12, 2, round(0.5 * cls.fps), 16, 16, 3)
    assert clips.mirror_axes == (None, None)
    for case in range(12):
        codes = {name: float(values[case]) for name, values in clips.parameters.items()}
        assert split_of(cls.from_codes(codes)) is Split.IN_RANGE
    tsunami = scenario_class("tsunami")
    assert (tsunami.film_cameras, tsunami.clip_duration) == (("overhead", "street"), 14.0)
    assert [tsunami.mirror_axes[view] for view in tsunami.film_cameras] == ["rows", "columns"]


def test_the_account_is_of_what_lies_there(made):
    account = made_in(made)
    files = [case_file(made, case) for case in stored_cases(made)]
    assert account.cases == 12 and account.failed == 12 - len(files)
    assert account.clips == 2 * len(files) and account.frames == 10 * account.clips
    assert account.bytes == sum(path.stat().st_size for path in files)
    row = json.loads((made / MAKING).read_text())
    assert row["frames_per_second"] == pytest.approx(account.frames / account.seconds, rel=0.01)
    assert "frames/s" in str(account)
    assert list(generate_clips(made, "free_fall", range(12), workers=1, **SMALL)) == []
    assert made_in(made) == account, "a call that finds all done adds nothing"


MAKE = """
from worldsim.diffusion.clip_factory import generate_clips
if __name__ == "__main__":
    list(generate_clips({out!r}, "free_fall", range(12), workers={workers}, seed={seed},
                        duration=0.5, size=(16, 16)))
"""


def children(pid):
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def runs(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.mark.skipif(sys.platform != "linux", reason="looks at processes under /proc")
def test_a_killed_factory_leaves_nothing_half_done_and_is_continued(made, tmp_path):
    script, out = tmp_path / "make.py", tmp_path / "clips"
    script.write_text(MAKE.format(out=str(out), workers=2, seed=SEED))
    process = subprocess.Popen([sys.executable, str(script)])
    while not (out.is_dir() and stored_cases(out)):
        assert process.poll() is None
        time.sleep(0.01)
    workers = children(process.pid)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert workers
    until = time.monotonic() + 20
    while any(runs(pid) for pid in workers):
        assert time.monotonic() < until, "workers outlive the process that they work for"
        time.sleep(0.05)
    for case in stored_cases(out):
        read_case(out, case)
    left = len(stored_cases(out))
    again = list(generate_clips(out, "free_fall", range(12), workers=1, **SMALL))
    assert len(again) <= 12 - left
    assert stored_cases(out) == stored_cases(made)
    for case in stored_cases(made):
        parameters, arrays = read_case(out, case)
        expected, same = read_case(made, case)
        assert parameters == expected
        assert all(np.array_equal(arrays[name], same[name]) for name in same | arrays)


def test_what_killed_writers_left_is_cleared_once_it_is_old(tmp_path):
    old, new = tmp_path / ".case_000001.safetensors.x1.safetensors", tmp_path / ".case_2.a.b"
    for path in (old, new, tmp_path / "case_000001.safetensors", tmp_path / ".gitignore"):
        path.write_text("")
    os.utime(old, (time.time() - 2 * ABANDONED,) * 2)
    os.utime(tmp_path / "case_000001.safetensors", (0, 0))
    os.utime(tmp_path / ".gitignore", (0, 0))
    remove_abandoned(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(
        [".gitignore", new.name, "case_000001.safetensors"])


def _die(*_, **__):
    os._exit(9)


def test_a_worker_that_dies_is_reported_in_words(tmp_path, monkeypatch):
    monkeypatch.setattr(clip_factory, "_generate", _die)
    with pytest.raises(WorkerDied, match="2 processes"):
        list(generate_clips(tmp_path, "free_fall", range(12), workers=2, **SMALL))


def test_training_seeds_never_make_cases_that_training_must_not_see(tmp_path):
    with pytest.raises(InputError, match="never sees the split 'inside'"):
        list(generate_clips(tmp_path / "a", "free_fall", [0], split=Split.INSIDE, **SMALL))
    assert not (tmp_path / "a").exists()
    test = {**SMALL, "seed": seed_for(Purpose.TEST, 0)}
    list(generate_clips(tmp_path / "b", "free_fall", [0], split=Split.INSIDE, workers=1, **test))
    assert load_clips(tmp_path / "b").split == "inside"
    with pytest.raises(InputError, match="another definition"):
        list(generate_clips(tmp_path / "b", "free_fall", [0], workers=1, **test))
    with pytest.raises(InputError, match="no camera 'sid'; it has side"):
        list(generate_clips(tmp_path / "c", "free_fall", [0], cameras=("sid",), **SMALL))


def test_a_network_is_trained_on_no_longer_clips_than_there_are(made):
    batch = preset("tiny").batch
    assert subject_of(load_clips(made), batch, 5).frames == 10
    assert subject_of(load_clips(made), batch, 4).frames == 8, "in whole groups of frames"
    long = ClipManifest("tsunami", 4, 0, {}).frames
    assert long == 70 and batch.town_frames == 60, "the tsunami's clips are as before"
    views = cameras_of("tsunami")
    film = torch.zeros(1, 2, long, 16, 16, 3, dtype=torch.uint8)
    clips = ClipSet(film, {}, views, 5.0, "tsunami", 4, 0, (0,), ("rows", "columns"))
    subject = subject_of(clips, batch, 5)
    assert subject.frames == 60
    start = next(spec for spec in subject.parameters if spec.name == CLIP_START)
    assert (start.low, start.high) == (0.0, 2.0)
    fast = dataclasses.replace(clips, fps=2.0)
    assert subject_of(fast, batch, 5).frames == 20, "12 s at the longest"
