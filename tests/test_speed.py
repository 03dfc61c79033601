"""The arithmetic of the speed benchmarks, and what they say where something is missing."""

import dataclasses
import importlib.util
import json
import math

import numpy as np
import pytest

from evaluation.speed import __main__ as command
from evaluation.speed import camera, family
from evaluation.speed.accuracy import Cost, seconds_to
from evaluation.speed.in_turn import Timings, in_turn
from evaluation.speed.result import Benchmark, Row
from evaluation.speed.stopwatch import Stopwatch
from evaluation.speed.street import SLOTS, ReferenceStreet
from evaluation.speed.table import WIDTH, markdown, plain
from evaluation.validation.case import NotAvailable
from evaluation.validation.peers import anuga_process
from evaluation.validation.peers.problem import PROBLEMS, SIDE
from evaluation.validation.peers.worldsim_solver import Solved


def test_equal_error_follows_a_power_law_exactly():
    """A solver of order 2 in 2-D: error ~ n^-2, time ~ n^3, so time ~ error^-1.5."""
    costs = [Cost(error=n**-2.0, seconds=3.0 * n**3.0) for n in (32, 64, 128)]
    for n in (32, 40.0, 64, 100.0, 128, 140.0):
        assert seconds_to(n**-2.0, costs) == pytest.approx(3.0 * n**3.0, rel=1e-12)


def test_equal_error_is_piecewise_and_in_any_order():
    costs = [Cost(0.01, 100.0), Cost(0.1, 1.0), Cost(0.001, 200.0)]
    assert seconds_to(math.sqrt(0.1 * 0.01), costs) == pytest.approx(10.0)
    assert seconds_to(math.sqrt(0.01 * 0.001), costs) == pytest.approx(math.sqrt(2e4))


@pytest.mark.parametrize("error", [0.2, 0.005])
def test_an_error_that_was_not_reached_is_refused(error):
    with pytest.raises(ValueError, match=r"outside the 0\.01 to 0\.1"):
        seconds_to(error, [Cost(0.01, 2.0), Cost(0.1, 1.0)])


def test_in_turn_alternates_and_warms_up():
    ran = []
    timings = in_turn({"a": lambda: ran.append("a"), "b": lambda: ran.append("b")}, rounds=3)
    assert "".join(ran) == "ab" + "ab" + "ba" + "ab"
    assert [len(seconds) for seconds in timings.seconds.values()] == [3, 3]


def test_ratios_are_taken_round_by_round():
    timings = Timings({"slow": (2.0, 30.0, 4.0), "quick": (1.0, 10.0, 1.0)})
    assert timings.ratios("slow", "quick") == (2.0, 3.0, 4.0)
    assert timings.ratio("slow", "quick") == 3.0
    assert timings.best("slow") == 2.0


@pytest.mark.parametrize(
    ("row", "met", "distance"),
    [
        (Row("cost", 0.3, goal=1 / 3), True, 0.9),
        (Row("cost", 0.5, goal=0.25), False, 2.0),
        (Row("speed", 12.0, goal=10.0, at_most=False), True, 10 / 12),
        (Row("speed", 5.0, goal=10.0, at_most=False), False, 2.0),
    ],
)
def test_goals(row, met, distance):
    assert row.met is met and row.distance == pytest.approx(distance)


def test_table_says_what_is_missed_and_missing_within_80_columns():
    found = [
        Benchmark("a", "one thing", "This against that. " * 20,
                  (Row("w" * 60, 0.5, goal=0.25, worst=0.123456), Row("free", 123456.0, "s/s"))),
        Benchmark("b", "another", "", (), missing="needs a thing; pip install thing"),
    ]
    text = plain(found)
    assert max(map(len, text.splitlines())) <= WIDTH
    assert "2x off" in text and "NOT MEASURED: needs a thing" in text
    assert "| free | 123456 s/s |" in markdown(found, {"cores": 2})


def test_stopwatch_adds_up_and_puts_methods_back():
    class Worker:
        def work(self, n):
            return 2 * n

    before = Worker.work
    watch = Stopwatch()
    with watch.on({"work": (Worker, "work")}):
        assert [Worker().work(n) for n in (1, 2)] == [2, 4]
    assert Worker.work is before and watch.seconds["work"] > 0


def test_without_anuga_the_benchmark_says_how_to_get_it(monkeypatch):
    from evaluation.speed import accuracy

    real = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec",
                        lambda name, *a: None if name == "anuga" else real(name, *a))
    found = accuracy.measure()
    assert found.rows == () and "pip install 'worldsim[peers]'" in found.missing


def test_without_gl_the_benchmark_says_so(monkeypatch, tmp_path):
    """Every start of the GL process fails: no backend is left."""
    monkeypatch.setattr(camera.sys, "executable", "/bin/false")
    with pytest.raises(camera.GLUnavailable, match="EGL or OSMesa"), camera.gl_film(tmp_path):
        pass


def test_the_command_writes_its_record(monkeypatch, tmp_path, capsys):
    from evaluation.speed import scaling

    made = Benchmark("scaling", "cost", "this over that", (Row("ratio", 8.0, goal=8.5),))
    monkeypatch.setattr(scaling, "measure", lambda: made)
    assert command.main(["--only", "scaling", "--json", "--out", str(tmp_path)]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed == json.loads((tmp_path / "speed.json").read_text())
    assert printed["benchmarks"][0]["rows"][0]["met"] is True
    assert "cores" in printed["machine"]
    assert "| ratio | 8 x | <= 8.5 |" in (tmp_path / "speed.md").read_text()


@pytest.mark.parametrize("name", ["stoker", "ritter", "thacker"])
def test_problems_start_at_their_exact_answer_and_errors_fall(name):
    """The error of the start itself is 0; ours at the end falls by more than a third when the
    cells are halved, which an exact answer of another problem would not allow."""
    problem = PROBLEMS[name]
    errors = []
    for cells in (24, 48):
        solved = Solved(problem, cells)
        solved.run()
        errors.append(solved.error)
    assert errors[1] < 0.67 * errors[0] < 0.15
    x = np.array([0.5 * SIDE, 0.3 * SIDE])
    exact = problem.exact(x, x)
    assert problem.error(x, x, np.ones(2), exact) == 0.0


def test_members_of_a_batch_reach_the_same_error():
    problem = dataclasses.replace(PROBLEMS["stoker"], time=0.2)
    alone, many = (Solved(problem, 24, batch) for batch in (1, 3))
    alone.run()
    many.run()
    assert alone.error == many.error


def test_the_street_has_what_the_goal_names():
    scene = ReferenceStreet().scene(0, 0)
    assert (scene.domain.nx, scene.domain.ny) == (96, 64)
    assert len(scene.buildings) == 12 == SLOTS.buildings and len(scene.debris) == 6
    assert set(scene.cameras) == {"overhead", "street"}


@pytest.mark.skipif(importlib.util.find_spec("anuga") is None, reason="the extra [peers]")
def test_anuga_solves_the_same_problem():
    with anuga_process.anuga(threads=1) as peer:
        coarse, fine = (peer.solve("stoker", cells) for cells in (8, 16))
    assert fine.triangles == 4 * 16 * 16 and fine.steps > coarse.steps
    assert fine.error < coarse.error < 0.12


def test_a_dead_anuga_process_is_named(monkeypatch):
    monkeypatch.setattr(anuga_process.sys, "executable", "/bin/false")
    monkeypatch.setattr(anuga_process.importlib.util, "find_spec", lambda name: object())
    with pytest.raises(NotAvailable, match="ended with status 1"), anuga_process.anuga(1):
        pass


def test_anuga_is_no_more_accurate_where_both_have_as_many_unknowns(monkeypatch):
    """The verdict compares the two errors that the rows show, whatever they are."""
    from contextlib import contextmanager

    from evaluation.validation.peers import cases
    from evaluation.validation.peers.anuga_process import AnugaRun

    problem = dataclasses.replace(PROBLEMS["stoker"], time=0.05)
    error = 0.0

    class Peer:
        version = "0"

        def solve(self, name, squares):
            assert (name, squares) == ("stoker", 8)
            return AnugaRun(1.0, 1.0, error, 256, 1)

    @contextmanager
    def peer(threads):
        yield Peer()

    monkeypatch.setattr(cases, "anuga", peer)
    monkeypatch.setitem(cases.SQUARES, "stoker", 8)
    own = Solved(problem, 16)
    own.run()
    for share, verdict in ((1.0, True), (1.5, False)):
        error = own.error / share
        rows = cases.check(problem)
        assert [row.passed for row in rows] == [None, None, verdict]
        assert rows[2].error == pytest.approx(share)


def test_the_solitary_wave_problem_starts_as_the_benchmark_says():
    """Amplitude, crest's place and the shore, in the channel's own coordinates; no data needed."""
    problem = PROBLEMS["bp01"]
    x = np.linspace(0.0, problem.length, 20001)
    y = np.zeros_like(x)
    depth, bed = problem.depth(x, y), problem.bed(x, y)
    crest = int(np.argmax(np.where(bed < 0, depth + bed, 0.0)))
    assert (depth + bed)[crest] == pytest.approx(0.019, rel=1e-4)
    assert 80.0 - x[crest] == pytest.approx(38.1, abs=0.1)
    assert bed[0] == -1.0 and x[np.argmax(bed > 0)] == pytest.approx(80.0, abs=0.01)
    assert not depth[bed > 0].any()


def test_parts_of_a_town_add_up_to_the_whole_and_none_is_counted_twice():
    from evaluation.speed.town import parts_of

    parts = parts_of(
        {
            "water": 4.0, "bodies": 3.0, "substeps": 1.0, "exchange": 10.0, "recording": 0.5,
            "buildings loads": 0.25, "buildings after": 0.25, "people load People": 0.75,
            "people substep People": 0.75, "works after Works": 0.5, "camera": 2.0,
        },
        simulated=11.0,
    )
    # Substeps are the people's and works' time within that of the bodies: 1.0 of 3.0.
    assert parts["bodies"] == 2.0 and parts["people"] == 1.5 and parts["works"] == 0.5
    assert parts["coupling"] == pytest.approx(10 - 4 - 2 - 1.5 - 0.5 - 0.5)
    assert sum(parts.values()) == pytest.approx(11.0 + 2.0)


def test_the_town_to_be_timed_is_as_full_as_the_goal_says():
    from evaluation.speed.town import MOST, SEED, town, town_case

    scene = town().scene(SEED, town_case())
    assert MOST == (24, 12, 100)
    assert (len(scene.buildings), len(scene.debris), len(scene.people)) == MOST
    assert (scene.domain.nx, scene.domain.ny, town().duration) == (128, 96, 60.0)


def test_the_family_counts_every_frame_of_both_processes_once():
    found = family.measure(["pendulum"], members=4, duration=0.5)
    (row,), details = found.rows, found.details["pendulum"]
    assert details["frames"] == 4 * 5
    assert row.value == pytest.approx(2 * details["frames"] / details["processor s"])
    assert 0 < details["camera s"] < details["processor s"]
    assert row.goal == 300 and not row.at_most
    names = family.rigid_scenarios()
    assert "granular_pour" in names and not {"tsunami", "floating"} & set(names)
