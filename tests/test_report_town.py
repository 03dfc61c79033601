"""What the report says and shows of a town and its people, with and without them."""

import re

import numpy as np
import pytest
import xarray as xr
from evaluation_scenes import Member, states
from synthetic_run import make_run
from synthetic_town import town_states
from test_report import Page

from evaluation.report import (
    coast,
    consequences,
    decision,
    evidence,
    html,
    outcome_rows,
    town,
    town_plots,
)
from evaluation.report.contents import Amount
from evaluation.report.gather import gather
from evaluation.report.outcome_rows import Wanted
from evaluation.report.outcomes_file import (
    DREAM,
    TRUTH,
    assess_truth,
    read_outcomes,
)
from worldsim.errors import InputError
from worldsim.outcomes import wording
from worldsim.outcomes.damage import STATES


def truth(cases=2, realizations=2, **options):
    """States of a made-up town as a rollout."""
    members = [[Member(speed=12.0 + i + j, falls=(7.0 + j, np.inf)) for j in range(realizations)]
               for i in range(cases)]
    groups = states(members, 12.0)
    groups |= town_states(groups["/water"], groups["/structures"], **options)
    root = xr.Dataset(coords={"case": range(cases), "realization": range(realizations)},
                      attrs={"seed": 0, "kind": "simulated", "schema_version": 1})
    return xr.DataTree.from_dict({"/": root, **groups})


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return make_run(tmp_path_factory.mktemp("run") / "run", town={"people": 90})


@pytest.fixture(scope="module")
def contents(run):
    return gather(run)


@pytest.fixture(scope="module")
def page(contents):
    return Page(html.page(contents))


def test_numbers_in_the_tables_are_those_of_the_stored_outcomes(run, contents):
    stored = read_outcomes(run / TRUTH)["pooled"].dataset
    table = next(t for t in contents.town.tables if t.title == "People")
    shown = {row.meaning: row.amounts[0] for row in table.rows}
    assert shown["expected deaths"].value == float(stored["deaths"]) > 0
    assert shown["expected deaths"].low == float(stored["deaths_lower"])
    assert shown["people the water carried off"].value == 9  # every tenth of 90
    assert shown["people there are"].value == 90


def test_pooled_ranges_cover_every_member(run):
    stored = read_outcomes(run / TRUTH)
    members, pooled = stored["members"]["deaths"], stored["pooled"]
    assert members.shape == (2, 2)
    assert float(pooled["deaths"]) == pytest.approx(float(members.mean()))
    assert float(pooled["deaths_lower"]) <= float(members.min())
    assert float(pooled["deaths_upper"]) >= float(members.max())


def test_the_dream_is_told_only_what_a_video_shows(run, contents):
    stored = read_outcomes(run / DREAM)["pooled"].dataset
    assert np.isnan(stored["deaths"]) and np.isfinite(stored["buildings_down"])
    table = next(t for t in contents.town.tables if t.title == "People")
    generated = {row.meaning: row.amounts[1] for row in table.rows}
    assert generated["expected deaths"] is None
    assert "a video cannot show this" in html.page(contents)


def test_decision_page_says_what_happens_in_numbers_and_what_it_cannot_tell(contents):
    said = " ".join(contents.town.happened)
    for wanted in ("2 m deep at the buildings", "of 2 buildings 1 come down", "of 90 people",
                   "expected deaths", "without service"):
        assert wanted.lower() in said.lower(), wanted
    assert "4 simulated outcomes (2 towns, 2 draws" in contents.town.sure[0]
    assert any("12 s simulated" in limit for limit in contents.limits)
    assert any("unvalidated" in limit for limit in contents.limits)


def test_health_is_worded_by_the_rules(contents):
    assert len(contents.town.health) == 3
    for sentence in contents.town.health:
        assert "screening positive" in sentence and "prediction interval" in sentence
    everything = Page(html.page(contents)).words()
    wording.checked(everything)  # raises at a forbidden word
    assert set(wording.HEALTH_NOTES) <= set(contents.town.health_notes)


def test_small_groups_get_counts_and_no_share():
    pooled = assess_truth(truth(people=40))["pooled"].to_dataset()
    sentences = consequences.health_sentences(pooled)
    assert len(sentences) == 1 and "too few for a share" in sentences[0]
    assert "%" not in sentences[0]
    rows = outcome_rows.rows(outcome_rows.health_rows("adults", "all adults"), (pooled,))
    assert rows == ()
    assert not any("%" in words for words in decision.happened(pooled, truth(people=40)))


def test_maps_show_the_extremes_of_the_states():
    made = truth(seawall=2.0)
    land = town.ground(made, 1)
    depth = made["water"]["depth"].values[1]
    np.testing.assert_allclose(land.depth, depth.max(axis=1).mean(axis=0))
    np.testing.assert_allclose(land.flux, land.depth * np.hypot(2.5, 0.5), rtol=1e-6)
    assert not land.land[:, :20].any() and land.land[:, 20:].all()
    built = town.buildings(made, 1)
    assert built.footprint.shape == (2, 4) and built.roles == ("home", "hospital")
    np.testing.assert_array_equal(built.down, [1.0, 0.0])


def test_damage_is_the_middle_of_the_outcomes():
    made = truth(realizations=3)
    state = made["structures"]["damage_state"]
    state[0, :, -1, 0] = [0, 5, 2]
    assert town.buildings(made, 0).damage[0] == 2


def test_people_are_counted_once_at_every_time():
    time, counts, names = town.status_counts(truth(people=37))
    assert counts.shape == (4, time.size, len(names))
    np.testing.assert_array_equal(counts.sum(axis=-1), 37)
    assert "in water" in names


@pytest.mark.parametrize("missing", ["people", "works", "tracer"])
def test_a_town_without_some_part_still_has_its_page(missing):
    options = {"people": {"people": 0}, "works": {"seawall": 0.0}, "tracer": {"tracer": False}}
    made = truth(**options[missing])
    pooled = assess_truth(made)["pooled"].to_dataset()
    titles = [t.title for t in consequences.tables((pooled,), ("simulated",), made)]
    maps = evidence.map_plots(made, 0, town.ground(made, 0))
    assert ("People" in titles) == (missing != "people")
    assert ("What leaked from the tank" in titles) == (missing == "works")
    assert len(maps) == (3 if missing != "tracer" else 2)
    assert ("seawall" in maps[0].caption) == (missing != "works")
    assert bool(decision.happened(pooled, made))


def test_states_of_an_older_simulator_are_shown_but_not_assessed():
    members = [[Member(falls=(7.0, np.inf))]]
    root = xr.Dataset(coords={"case": [0], "realization": [0]}, attrs={"seed": 0})
    older = xr.DataTree.from_dict({"/": root, **states(members, 12.0)})
    pooled = assess_truth(older)["pooled"].to_dataset()
    assert "not assessed" in decision.sure(pooled, older)[0]
    assert decision.happened(pooled, older) == ("On average 1.0 of 2 buildings come down.",)
    assert consequences.tables((pooled,), ("simulated",), older) == ()
    assert len(evidence.map_plots(older, 0, town.ground(older, 0))) == 1
    assert len(evidence.time_plots(older)) == 1


def test_a_truth_without_buildings_has_no_town():
    assert not evidence.has_town(xr.DataTree.from_dict({"/bodies": xr.Dataset({"a": 1})}))


def test_members_that_failed_their_audit_are_left_out_and_counted():
    made = truth()
    failed = np.array([[False, True], [False, False]])
    made["audit"] = xr.DataTree(xr.Dataset({"failed": (("case", "realization"), failed)}))
    pooled = assess_truth(made)["pooled"].to_dataset()
    assert pooled.attrs["failed"] == 1
    assert "failed the simulator’s audit: 1" in decision.sure(pooled, made)[0]
    hit = coast.quantities(made)["largest impulse of debris on a building", "N s"]
    np.testing.assert_array_equal(np.isnan(hit), failed)


def test_coast_and_debris_are_counted_from_the_states():
    made = truth(seawall=2.0)
    found = coast.quantities(made)
    failures = made["works"]["failure_time"].values
    np.testing.assert_array_equal(found["segments of the seawall that fail", "1"],
                                  np.isfinite(failures).sum(axis=-1))
    impulse = made["structures"]["debris_impulse"].values[..., :2]
    np.testing.assert_allclose(found["largest impulse of debris on a building", "N s"],
                               impulse.max(axis=-1))
    (row,) = coast.rows(({("m", "1"): np.array([[1.0, 3.0, np.nan]])}, {}))[:1]
    assert row.amounts[0].value == 2.0 and row.amounts[1] is None
    assert coast.rows(({("m", "1"): np.ones((2, 2))},))[0].amounts[0] == Amount(1.0)


def test_outcomes_that_are_missing_or_broken_are_refused_in_one_line(tmp_path):
    with pytest.raises(InputError, match="not there"):
        read_outcomes(tmp_path / TRUTH)
    (tmp_path / TRUTH).write_bytes(b"nothing")
    with pytest.raises(InputError, match="cannot be read") as caught:
        read_outcomes(tmp_path / TRUTH)
    assert "remove it" in str(caught.value)


@pytest.mark.parametrize(("amount", "said"), [
    (Amount(7.0), "7"), (Amount(7.25, 5.0, 9.0), "7.2 (5 to 9)"),
    (Amount(120.4, -3.0, 200.0), "120 (−3 to 200)"), (None, "an unknown number"),
])
def test_numbers_in_sentences_are_short(amount, said):
    assert decision.say(amount) == said


@pytest.mark.parametrize(("value", "largest", "said"), [
    (3.0, 100.0, "3"), (2.5, 12.0, "2.5"), (-2.9e-6, 88.0, "0"), (0.0, 0.0, "0"),
    (-0.126, 0.9, "−0.126"), (5.53e7, 5.6e7, "5.5·10^7"), (12.0, 5.6e7, "12"),
    (83333.3, 90000.0, "83333"), (8.3e-5, 8.3e-5, "8.3·10^−5"),
])
def test_numbers_of_a_row_have_digits_that_fit_each_other(value, largest, said):
    assert html.count(value, largest) == said


def test_few_outcomes_are_warned_of():
    assert "examples" in decision.few(2, "pairs") and "rare" in decision.few(16, "outcomes")
    assert decision.few(64, "outcomes") == ""


def test_an_unknown_amount_is_none_and_never_zero():
    outcomes = xr.Dataset({f"deaths{end}": np.nan for end in ("", "_lower", "_upper")})
    assert outcome_rows.amount(outcomes, Wanted("deaths")) is None
    assert outcome_rows.amount(xr.Dataset(), Wanted("deaths")) is None


def test_page_is_balanced_with_unique_ids_and_a_caption_for_every_table(contents, page):
    text = html.page(contents)
    assert page.unbalanced == [] and page.stack == []
    ids = [attrs["id"] for _, attrs in page.tags if "id" in attrs]
    assert len(ids) == len(set(ids))
    assert set(re.findall(r'(?:href="#|url\(#)([^")]+)', text)) <= set(ids)
    assert text.count("<table") == text.count("<caption>")
    assert len(text) < 3_000_000


@pytest.mark.parametrize("shape", [(64, 96), (96, 128), (60, 60)])
def test_nothing_of_a_map_is_cut_off(shape):
    y, x = (np.arange(n) * 2.0 + 1.0 for n in shape)
    ax = town_plots.ground_map(x, y, np.ones(shape), label="depth [m]", title="SIMULATED",
                               land=np.ones(shape, bool))
    roles = ("home", "hospital", "shelter", "substation", "pumping station", "shop")
    town_plots.damaged_buildings(ax, np.tile([20.0, 30.0, 20.0, 30.0], (6, 1)), np.arange(6), roles,
                                 STATES)
    figure = ax.figure
    figure.draw_without_rendering()
    whole = figure.bbox
    assert ax.title.get_window_extent().y1 > whole.y1 - 25  # nor much left empty above
    parts = [ax.title, ax.xaxis.label, ax.yaxis.label, *figure.legends,
             *(axes.xaxis.label for axes in figure.axes)]
    for box in (part.get_window_extent() for part in parts):
        assert box.x0 >= whole.x0 - 1 and box.x1 <= whole.x1 + 1
        assert box.y0 >= whole.y0 - 1 and box.y1 <= whole.y1 + 1


def test_paths_tell_who_was_caught_apart_without_colour():
    path = np.zeros((3, 50, 2)) + np.arange(50)[None, :, None]
    ax = town_plots.ground_map(np.arange(4.0), np.arange(4.0), np.ones((4, 4)), label="m",
                               land=np.ones((4, 4), bool))
    town_plots.paths(ax, path, np.array([False, True, True]))
    dashes = [line.get_linestyle()[0][1] for line in ax.collections]
    assert dashes[0] is None and dashes[1] is not None
    assert [len(line.get_segments()) for line in ax.collections] == [1, 2]
    assert all(len(s) <= 52 for line in ax.collections for s in line.get_segments())
