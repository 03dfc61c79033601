"""``worldsim bench explain``: where an error leaves the floor, held against loops and true states.
"""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
import xarray as xr
from compare_scenes import CACHE, LATE, TINY, change_result, real_run
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from evaluation.benchmark import suites
from evaluation.benchmark.cases import case_by_id
from evaluation.benchmark.explain import ROW, TIMES, departure, explain, limit_of
from evaluation.benchmark.explain_objects import followed, object_names, touches
from evaluation.benchmark.explain_picture import COLUMNS, _cells, _pixels, chosen_frames
from evaluation.benchmark.explain_words import words
from evaluation.benchmark.report.stored import read_run
from worldsim.cli.bench.explain import main
from worldsim.errors import InputError

POSITION = "trajectory.position_crps"
FIRST, SECOND = (TINY.blocks[0].case_id(n) for n in range(2))
STEP = 1 / 20


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A run whose dreams are `LATE` frames late; it failed on the second case."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WORLDSIM_CACHE", CACHE.name)
        patch.setitem(suites.SUITES, "tiny", TINY)
        yield real_run(tmp_path_factory.mktemp("runs") / "late", failed=(SECOND,))


@pytest.fixture(scope="module")
def found(folder):
    return explain(read_run(folder), FIRST, POSITION)


# The rule


@given(st.lists(st.one_of(st.floats(0, 2), st.just(np.nan)), min_size=1, max_size=12),
       st.integers(0, 4))
def test_departure_is_the_first_of_several_frames_beyond_the_limit(errors, start):
    error, limit = np.array(errors), np.ones(len(errors))
    expected = None
    for frame in range(start, len(errors) - ROW + 1):
        if all(errors[frame + more] > 1 for more in range(ROW)):
            expected = frame
            break
    assert departure(error, limit, start) == expected


def test_limit_is_so_many_floors_and_never_below_those_of_the_mean():
    floor = np.array([9.0, np.nan, 1.0, 3.0])  # the first is known: it does not count in the mean
    assert limit_of(floor, 1).tolist() == [TIMES * 9, TIMES * 2, TIMES * 2, TIMES * 3]


@given(st.integers(4, 60), st.integers(0, 5), st.data())
def test_frames_shown_hold_the_last_known_one_the_departure_and_the_end(count, context, data):
    context = min(context, count - 2)
    at = data.draw(st.one_of(st.none(), st.integers(context, count - 1)))
    frames = chosen_frames(count, context, at)
    assert frames == sorted(set(frames)) and len(frames) <= COLUMNS
    assert {max(context - 1, 0), count - 1} <= set(frames)
    assert at is None or at in frames
    assert len(frames) == min(COLUMNS, count - max(context - 1, 0))


# A dream that is late


def test_error_leaves_the_floor_where_loops_find_it(found):
    curves, truth = found.curves, case_by_id(TINY, FIRST).truth().ready
    at = found.sample.observed["objects"]["position"].values[0]
    true = truth.state["objects"]["position"].values[0]
    own = truth.observed["objects"]["position"].values[0]
    frames, objects = true.shape[1:3]
    for frame in range(TINY.blocks[0].context, frames):
        error = floor = 0.0
        for number in range(objects):
            for axis in range(2):
                x, y, z = (a[:, frame, number, axis] for a in (at, true, own))
                error += np.mean([abs(x[i] - y[j]) for i in range(2) for j in range(2)]) \
                    - abs(x[0] - x[1]) / 2
                floor += np.mean([abs(z[i] - y[i]) for i in range(2)])
        assert curves.error[frame] == pytest.approx(error / objects, abs=1e-9)
        assert curves.floor[frame] >= floor / objects - 1e-9
    beyond = curves.error > curves.limit
    first = next(k for k in range(4, frames) if beyond[k] and beyond[k + 1])
    assert curves.departure == first


def test_what_is_late_is_where_the_truth_was_before(found):
    """While it falls, a late ball is too high by what the true one falls in that time."""
    true = found.sample.state["objects"]["position"].values[0].mean(axis=0)
    frames = range(TINY.blocks[0].context + LATE, 9)
    for one in followed(found):
        for frame in frames:
            expected = true[frame - LATE, one.number] - true[frame, one.number]
            assert one.offset[frame] == pytest.approx(expected, abs=0.01)
        assert one.departure is not None
        assert not one.lost.any()


def test_contacts_come_late_by_as_much(found):
    told = touches(found)
    assert told
    for one in told:
        assert one.missing == 0 and one.of == 2
        assert one.late == pytest.approx(LATE * STEP, abs=STEP / 4)


def test_words_say_what_is_wrong(found):
    said = words(found)
    assert said[0].startswith(f"{POSITION} of {FIRST} leaves the floor (")
    assert f"at {found.curves.time[found.curves.departure]:.2f} s" in said[0]
    assert "too high" in said[0] and "ball 1" in said[0]
    assert any("first bounce" in one and "0.10 s late" in one for one in said)


def test_objects_have_the_scenarios_names(found):
    names = object_names(found.case, found.sample.state["objects"].dataset)
    assert names == [f"ball {n + 1}" for n in range(len(names))]


def test_marks_lie_on_the_things_that_are_marked(found):
    """The middle of what differs from the ground is where the circle is drawn."""
    film = found.sample.truth_video["main"][0, 0].values.astype(float)
    ground = np.median(film[10:], axis=0)  # the balls have left where they began
    frame = 0
    for one in followed(found):
        x, y = _pixels(found.sample.state["objects"]["position"].values[0, 0, frame], found)[
            one.number]
        rows, columns = np.nonzero(np.abs(film[frame] - ground).sum(axis=-1) > 20)
        near = np.hypot(columns + 0.5 - x, rows + 0.5 - y) < 6
        assert near.sum() >= 8
        middle = (columns[near].mean() + 0.5, rows[near].mean() + 0.5)
        assert middle == pytest.approx((x, y), abs=0.7)


def test_outlines_lie_on_the_cells_of_the_picture():
    grid = {"x": np.arange(6) * 0.5 + 10.25, "y": np.arange(4) * 0.5 + 0.25}
    coarse = {"x": np.array([10.5, 11.5, 12.5]), "y": np.array([0.5, 1.5])}
    as_sets = [xr.Dataset(coords=c) for c in (grid, coarse)]
    x, y = _cells(as_sets[0], as_sets[0])
    assert x.tolist() == [0.5, 1.5, 2.5, 3.5, 4.5, 5.5] and y.tolist() == [3.5, 2.5, 1.5, 0.5]
    x, y = _cells(as_sets[1], as_sets[0])
    assert x.tolist() == [1.0, 3.0, 5.0] and y.tolist() == [3.0, 1.0]


def test_one_realization_is_held_against_its_own_truth(folder):
    found = explain(read_run(folder), FIRST, POSITION, realization=1)
    dream = found.sample.observed["objects"]["position"].values[0, 0]
    truth = case_by_id(TINY, FIRST).truth().ready.state["objects"]["position"].values[0, 1]
    for frame in range(4, len(truth)):
        expected = np.abs(dream[frame] - truth[frame]).sum(axis=-1).mean()
        assert found.curves.error[frame] == pytest.approx(expected, abs=1e-9)
    assert "realization 1" in words(found)[0]
    assert all(one.of == 1 for one in touches(found))


def test_the_truth_as_a_dream_stays_on_the_floor(tmp_path, folder):
    found = explain(read_run(real_run(tmp_path / "truth", late=0)), FIRST, POSITION)
    assert found.curves.departure is None
    assert "does not leave the floor" in words(found)[0]
    assert all(one.departure is None for one in followed(found))


# What cannot be shown


def test_a_metric_without_a_course_gives_values_only(folder, tmp_path, capsys):
    out = tmp_path / "x.png"
    assert main([str(folder), FIRST, "trajectory.fde", "--out", str(out)]) == 0
    printed = capsys.readouterr().out
    assert "no course over time" in " ".join(printed.split()) and not out.exists()


def test_a_failed_case_gives_its_reason(folder):
    found = explain(read_run(folder), SECOND, POSITION)
    assert found.curves is None and found.sample is None
    assert "it crashed" in words(found)[0] and "worst baseline" in words(found)[0]


@pytest.mark.parametrize(("case", "metric", "realization", "message"), [
    ("fre_fall-in_range-0001", POSITION, None, f"did you mean '{SECOND}'"),
    ("zzz", POSITION, None, "has no case 'zzz'"),
    (FIRST, "position_crps", None, f"did you mean '{POSITION}'"),
    (FIRST, "trajectory.positon_crps", None, f"did you mean '{POSITION}'"),
    (FIRST, "qqqq", None, "was not scored by a metric 'qqqq'"),
    (FIRST, POSITION, 2, "has realizations 0 to 1"),
    (FIRST, POSITION, -1, "has realizations 0 to 1"),
])
def test_unknown_names_give_the_nearest(folder, case, metric, realization, message):
    with pytest.raises(InputError, match=message):
        explain(read_run(folder), case, metric, realization)


def test_other_truths_are_refused_and_other_instruments_told(folder, tmp_path):
    copy = tmp_path / "copy"
    shutil.copytree(folder, copy)
    change_result(copy, lambda r: r["suite"]["digests"].update(instruments="old"))
    assert any("reads videos" in one for one in words(explain(read_run(copy), FIRST, POSITION)))
    change_result(copy, lambda r: r["suite"]["digests"].update(data="old"))
    with pytest.raises(InputError, match=r"other truths.*`worldsim bench run .*x-again`"):
        explain(read_run(copy), FIRST, POSITION)


# The command


def test_command_prints_words_and_writes_the_picture(folder, tmp_path, capsys, found):
    out = tmp_path / "x.png"
    assert main([str(folder), FIRST, POSITION, "--out", str(out)]) == 0
    printed = capsys.readouterr().out
    assert all(len(line) <= 80 for line in printed.splitlines() if not line.startswith("picture"))
    assert " ".join(printed.split()).startswith(words(found)[0])
    picture = np.asarray(Image.open(out).convert("RGB")).astype(int)
    assert picture.shape[1] > 1200
    # The frame at which the error leaves the floor is framed in vermillion.
    framed = (np.abs(picture - (0xD5, 0x5E, 0x00)).sum(axis=-1) < 30).sum()
    assert framed > 2000


def test_json_holds_the_course_and_the_objects(folder, tmp_path, capsys, found, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main([str(folder), FIRST, POSITION, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["departure"]["frame"] == found.curves.departure
    assert told["series"]["error"] == pytest.approx(found.curves.error.tolist(), rel=1e-6)
    assert [one["name"] for one in told["objects"]] == [one.name for one in followed(found)]
    assert told["contacts"][0]["late"] == pytest.approx(LATE * STEP, abs=STEP / 4)
    assert told["picture"] is None and not list(tmp_path.iterdir())


def test_a_picture_must_be_a_png(folder):
    with pytest.raises(InputError, match=r"ends in \.png"):
        main([str(folder), FIRST, POSITION, "--out", "x.jpg"])
