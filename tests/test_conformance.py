"""Models that break one rule each, and what the conformance check says of them."""

import dataclasses
import re

import numpy as np
import pytest
import xarray as xr

import worldsim
from worldsim.answer import generated_rollout
from worldsim.conformance import questions
from worldsim.conformance.checks import CHECKS
from worldsim.errors import InputError
from worldsim.seeding import stream
from worldsim.testing import ConformanceError, check_world_model
from worldsim.video_file import write_mp4
from worldsim.world_model import Capabilities, WholeRolloutStream, check_capabilities


@pytest.fixture(scope="module")
def query():
    """One truth for all: it is the models that differ."""
    full = questions.small_query("free_fall", (), 0)
    return dataclasses.replace(full, duration=0.75)


class Noisy:
    """A faultless model: the last known frame with noise keyed by seed, case and realization."""

    name = "noisy"
    capabilities = Capabilities(
        parameters=False, stochastic=True, any_size=True, any_fps=True, streaming=True)

    def videos(self, query):
        cases = query.origin.cases if query.origin else range(query.cases)
        result = {}
        for camera in query.cameras:
            known = next(p.video for p in query.known if p.camera == camera)
            frame = np.clip(np.arange(query.frames), 0, known.shape[1] - 1)
            video = np.repeat(known[:, None, frame], query.realizations, axis=1)
            for i, case in enumerate(cases):
                for r in range(query.realizations):
                    noise = stream(query.seed, case, r, camera).integers(0, 20, 1)
                    video[i, r, known.shape[1]:] ^= noise.astype(np.uint8)
            result[camera] = video
        return result

    def rollout(self, query):
        check_capabilities(self, query)
        return generated_rollout(query, self.name, self.videos(query))

    def start(self, query):
        return WholeRolloutStream(self.rollout(query))


def failures(model, query, **options):
    with pytest.raises(ConformanceError) as caught:
        check_world_model(model, query=query, **options)
    error = caught.value
    assert isinstance(error, AssertionError)
    assert all(line in str(error) and "\n" not in line for line in error.failures)
    return error.failures


def test_a_faultless_model_passes_and_the_report_says_what_was_looked_at(query):
    report = check_world_model(Noisy(), query=query)
    assert set(report.checked) | {name for name, _ in report.skipped} == set(CHECKS)
    assert dict(report.skipped).keys() == {"origin", "scenario"} and report.notes == ()
    assert "checked  batch: a case alone is answered as among others" in str(report)
    skipped = check_world_model(Noisy(), query=query, skip=("fps", "size"))
    assert ("fps", "not wanted") in skipped.skipped and "size" not in skipped.checked
    with pytest.raises(InputError, match="skip='answer': checks to skip are query, determ"):
        check_world_model(Noisy(), query=query, skip=("answer",))
    with pytest.raises(InputError, match="is about 'free_fall', not 'tower'"):
        check_world_model(Noisy(), "tower", query=query)


@pytest.mark.parametrize("name", ["mujoco", "baseline:frozen", "baseline:constant-velocity"])
def test_built_in_models_pass_from_a_bare_call(name):
    report = check_world_model(worldsim.load_model(name), "free_fall")
    assert report.scenario == "free_fall" and report.notes == ()
    assert {"batch", "cameras", "size", "fps", "duration", "stream"} <= set(report.checked)


def test_a_model_of_one_scenario_is_asked_about_that(query):
    class OfTowers(Noisy):
        capabilities = dataclasses.replace(Noisy.capabilities, scenario="tower")

    report = check_world_model(OfTowers())
    assert report.scenario == "tower" and "scenario" in report.checked
    (only,) = failures(OfTowers(), query)
    assert "declares scenario='tower' and is asked about 'free_fall'" in only


def test_folders_of_videos_pass(tmp_path, query):
    named = dataclasses.replace(query, cameras=("side",), case_ids=("a", "b"), known=tuple(
        piece for piece in query.known if piece.camera == "side"))
    for case, video in zip("ab", Noisy().videos(named)["side"], strict=True):
        for r, one in enumerate(video):
            write_mp4(tmp_path / f"{case}.r{r}.mp4", one, query.fps, crf=1)
    report = check_world_model(worldsim.load_model(f"videos:{tmp_path}"), query=named)
    assert report.notes == () and {"batch", "size", "fps", "context"} <= set(report.checked)
    (tmp_path / "b.r1.mp4").unlink()
    check_world_model(worldsim.load_model(f"videos:{tmp_path}"), query=named)


def variant(**methods):
    return type("Variant", (Noisy,), methods)()


def declares(**changes):
    return {"capabilities": dataclasses.replace(Noisy.capabilities, **changes)}


def answers(change):
    """Rollouts whose videos are changed before they are put into a tree."""
    def rollout(self, query):
        check_capabilities(self, query)
        return generated_rollout(
            query, self.name, {c: change(v, query) for c, v in self.videos(query).items()})
    return {"rollout": rollout}


def trees(change):
    def rollout(self, query):
        check_capabilities(self, query)
        return change(generated_rollout(query, self.name, self.videos(query)), query)
    return {"rollout": rollout}


def with_rgb(change, **root):
    """Rollouts with another rgb, which `generated_rollout` would refuse."""
    def changed(tree, query):
        groups = {"/": tree.to_dataset().isel(root)}
        for camera in query.cameras:
            dataset = tree[f"video/{camera}"].to_dataset(inherit=False)
            groups[f"/video/{camera}"] = change(dataset)
        return xr.DataTree.from_dict(groups)
    return trees(changed)


UNSEEDED = np.random.default_rng(0)


def _writes(self, query):
    for piece in query.known:
        piece.video[:, -1] = 0
    return Noisy.rollout(self, query)


def _by_place(self, query):
    moved = dataclasses.replace(query, origin=None)
    return generated_rollout(query, self.name, self.videos(moved))


def _crashes(self, query):
    return {}["no such\nkey"]


def _other_size(self, query):
    if query.size != (64, 64):
        full = dataclasses.replace(query, size=(64, 64), known=())
        blank = np.zeros((query.cases, query.realizations, query.frames, 64, 64, 3), np.uint8)
        return generated_rollout(full, self.name, {c: blank for c in query.cameras})
    return Noisy.rollout(self, query)


class Endless:
    def __init__(self, rollout):
        self._stream = WholeRolloutStream(rollout)
        self._first = self._stream.step()

    def step(self, action=None):
        return self._first


class Flat(WholeRolloutStream):
    def step(self, action=None):
        return next(iter(super().step().values()))


class Short(WholeRolloutStream):
    def step(self, action=None):
        piece = super().step()
        if self._next == 4:
            raise StopIteration
        return piece


class Wrong(WholeRolloutStream):
    def step(self, action=None):
        return {camera: video ^ 1 for camera, video in super().step().items()}


def starts(kind):
    return {"start": lambda self, query: kind(self.rollout(query))}


def _as_simulated(tree, query):
    tree.attrs["kind"] = "simulated"
    return tree


def _renumbered(tree, query):
    groups = {node.path: node.to_dataset(inherit=False) for node in tree.subtree}
    return xr.DataTree.from_dict(groups | {"/": groups["/"].assign_coords(case=[7, 8])})


def _nan(dataset):
    values = dataset["rgb"].astype(float)
    return dataset.assign(rgb=values.where(values != values[0, 0, 0, 0, 0, 0]))


BROKEN = {
    "returns None": ({"rollout": lambda self, query: None}, "rollout returns a NoneType"),
    "crashes": ({"rollout": _crashes},
                r"raises KeyError: 'no such\\nkey' at .*test_conformance.py:\d+"),
    "refuses": (answers(lambda v, q: v[:, :, :-1]), r"made a 'side' video of shape .*asks for"),
    "too few frames": (with_rgb(lambda d: d.isel(time=slice(0, 9))),
                       r"/video/side has 9 frames; give 15 \(query.frames, known ones included\)"),
    "another rate": (with_rgb(lambda d: d.assign_coords(time=2 * d["time"])),
                     r"has other times than frame / query.fps"),
    "floats with NaN": (with_rgb(_nan),
                        "is of dtype float64 and holds NaN or infinity; give uint8 from 0 to 255"),
    "other order": (with_rgb(lambda d: d.transpose("case", "time", "realization", ...)),
                    r"has dims \('case', 'time', .*; give \('case', 'realization', 'time'"),
    "a realization less": (with_rgb(lambda d: d.isel(realization=[0]), realization=[0]),
                           r"/video/side has 1 realizations; give 2 \(query.realizations\)"),
    "simulated": (trees(_as_simulated),
                  "attribute kind is 'simulated'; make it 'generated'"),
    "no video": (trees(lambda tree, q: tree.drop_nodes("video")),
                 "the answer has no video; add /video/side"),
    "numbers its own cases": (trees(_renumbered),
                              r"coordinate case is \[7, 8\]; give \[0, 1\]"),
    "writes into the query": ({"rollout": _writes}, "changes the query that it is given"),
    "unseeded": (answers(lambda v, q: v ^ UNSEEDED.integers(0, 20, dtype=np.uint8)),
                 "answered differently the second time; draw from generators seeded by query.seed"),
    "by place in the batch": ({"rollout": _by_place}, "a case alone is answered differently"),
    "no chance": (answers(lambda v, q: v[:, :1].repeat(q.realizations, axis=1)),
                  "declares stochastic=True and all realizations are the same"),
    "chance not declared": (declares(stochastic=False), "stochastic=False and realizations differ"),
    "no seed": ({"videos": lambda self, q: Noisy.videos(self, dataclasses.replace(q, seed=0))},
                "stochastic=True and another query.seed changes nothing; .*seeded=False"),
    "seed not declared": (declares(seeded=False), "declares seeded=False and another query.seed"),
    "ignores the context": (answers(lambda v, q: np.where(v > 127, v - 60, v + 60).astype("u1")),
                            r"known frame \d of camera 'side' comes back changed by \d+ of 255"),
    "context not declared": (
        {"videos": lambda self, q: (
            Noisy.videos(self, q) if q.known else
            {c: np.zeros((q.cases, q.realizations, q.frames, *q.size, 3), "u1")
             for c in q.cameras}), **declares(context=False)},
        "context=False and known frames change the answer"),
    "parameters not declared": (
        answers(lambda v, q: v ^ np.uint8(len(q.parameters) > 0)),
        "parameters=False and parameters change the answer"),
    "any size but not": ({"rollout": _other_size}, "another size: /video/side has 64 rows; give"),
    "one size, silently": ({"rollout": _other_size, **declares(any_size=False)},
                           "declares any_size=False and answers all the same, but /video/side has"),
    "one camera of two": (
        {"videos": lambda self, q: {"side": Noisy.videos(self, q)["side"]}},
        "cameras side, corner together: the answer has only side; add /video/corner"),
    "masks but none": (
        {**answers(lambda v, q: v if all(p.mask is None for p in q.known) else 255 - v),
         **declares(masks=True)}, "masks=True and pixels known by a mask come back changed"),
    "stream without end": (starts(Endless), "the stream has not ended after 16 steps"),
    "stream of arrays": (starts(Flat), "step returns a ndarray; return a dict of frames for side"),
    "stream too short": (starts(Short), r"the stream gives shape \(2, 2, 3, .*, dtype uint8"),
    "stream of others": (starts(Wrong), "gives other frames than the rollout .*1 of 255"),
    "start crashes": ({"start": _crashes}, "start: raises KeyError"),
    "declares a dict": ({"capabilities": {}}, "capabilities are a dict; give a worldsim.Capabil"),
    "no name": ({"name": None}, "its name is None; give a text"),
    "rollout is no method": ({"rollout": 3}, "rollout cannot be called; make it a method"),
}


@pytest.mark.parametrize("what", BROKEN)
def test_what_is_wrong_is_said_with_what_to_change(what, query):
    methods, text = BROKEN[what]
    found = failures(variant(**methods), query)
    assert any(re.search(text, line) for line in found), found


def test_all_that_is_wrong_is_said_at_once(query):
    found = failures(
        variant(**(declares(stochastic=False, streaming=True) | starts(Wrong)
                   | answers(lambda v, q: v ^ np.uint8(len(q.parameters) > 0)))), query)
    assert len(found) >= 4


def test_what_lacks_methods_or_is_a_class_is_not_asked_at_all(query):
    found = failures(object(), query)
    assert [line.split(";")[0] for line in found] == [
        f"it has no {name}" for name in ("name", "capabilities", "rollout", "start")]
    (only,) = failures(Noisy, query)
    assert only == "Noisy is a class; give an instance of it"


def test_a_tolerance_lets_rounding_pass_and_nothing_else(query):
    class Rounding(Noisy):
        calls = 0

        def rollout(self, query):
            self.calls += 1
            change = np.uint8(self.calls % 2)
            return generated_rollout(
                query, self.name, {c: v ^ change for c, v in self.videos(query).items()})

        def start(self, query):
            return WholeRolloutStream(self.rollout(query))

    assert any("(by up to 1 of 255)" in line for line in failures(Rounding(), query))
    check_world_model(Rounding(), query=query, tolerance=1)


def test_what_it_can_and_does_not_declare_is_a_note(query):
    class Modest(Noisy):
        capabilities = dataclasses.replace(Noisy.capabilities, any_fps=False)

    notes = check_world_model(Modest(), query=query).notes
    assert notes == ("half the rate is answered, though it declares any_fps=False",)
    class Plain(Modest):
        def rollout(self, query):
            if query.fps != 20:
                raise InputError("20 frames/s only")
            return super().rollout(query)
    assert check_world_model(Plain(), query=query).notes == ()

    class Rude(Modest):
        def rollout(self, query):
            if query.fps != 20:
                raise RuntimeError("no")
            return super().rollout(query)
    (only,) = failures(Rude(), query)
    assert "raises RuntimeError: no at" in only and "raise worldsim.InputError" in only


def test_queries_changed_in_one_respect_are_valid_and_keep_the_rest(query):
    small, slow = questions.resized(query), questions.slower(query)
    assert small.size == (48, 48) and small.known[0].video.shape[2:4] == (48, 48)
    assert slow.fps == 10 and slow.known[0].video.shape[1] == 3
    np.testing.assert_array_equal(slow.known[0].video, query.known[0].video[:, ::2])
    half = questions.half_known(query).known[0].mask
    assert half[:, :, :32].all() and not half[:, :, 32:].any()
    alone = questions.one_case(query, 1)
    assert alone.cases == 1 and alone.origin.cases == query.origin.cases[1:]
    np.testing.assert_array_equal(alone.known[1].video, query.known[1].video[1:])
    assert {n: v.tolist() for n, v in alone.parameters.items()} == {
        n: [v[1]] for n, v in query.parameters.items()}
