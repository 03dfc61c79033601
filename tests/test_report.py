"""The report's content: what it says, that it is complete, whole and self-contained."""

import dataclasses
import json
import re
import shutil
from html.parser import HTMLParser

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from synthetic_run import COMMAND, make_run

import worldsim
from evaluation.report import films, html, plots, words, write_report
from evaluation.report.contents import Against, ScoreRow
from evaluation.report.gather import gather
from evaluation.report.parameters import parameter_rows
from worldsim.errors import InputError
from worldsim.scenario import make


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return make_run(tmp_path_factory.mktemp("run") / "run")


@pytest.fixture(scope="module")
def contents(run):
    return gather(run)


@pytest.fixture(scope="module")
def report(contents):
    return html.page(contents)


class Page(HTMLParser):
    """Collects what a test asks for: text, tags with attributes, and whether tags are balanced."""

    VOID = frozenset(("meta", "link", "img", "input", "br", "path", "use"))

    def __init__(self, text):
        super().__init__()
        self.tags, self.text, self.stack, self.unbalanced = [], [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.stack.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        if tag in self.VOID:
            return
        if not self.stack or self.stack.pop() != tag:
            self.unbalanced.append(tag)

    def handle_data(self, data):
        if self.stack and self.stack[-1] not in ("script", "style"):
            self.text.append(data)

    def find(self, tag):
        return [attrs for name, attrs in self.tags if name == tag]

    def words(self):
        return " ".join(" ".join(self.text).split())


def test_report_is_written_whole_or_not_at_all(run, contents, tmp_path, monkeypatch):
    monkeypatch.setattr("evaluation.report.gather.gather", lambda folder: contents)
    target = write_report(run, tmp_path / "page.html")
    assert target.read_text("utf-8").startswith("<!DOCTYPE html>")
    before = target.read_bytes()
    monkeypatch.setattr(html, "page", lambda contents: (_ for _ in ()).throw(OSError("disk full")))
    with pytest.raises(OSError, match="disk full"):
        write_report(run, target)
    assert target.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["page.html"]


def test_the_same_run_gives_the_same_page(run, report):
    assert html.page(gather(run)) == report


def test_page_is_small_balanced_and_refers_to_nothing_outside_itself(report):
    page = Page(report)
    assert len(report) < 3_000_000
    assert page.unbalanced == [] and page.stack == []
    outside = [
        value for tag, attrs in page.tags for name, value in attrs.items()
        if name in ("src", "href", "xlink:href", "data", "poster", "action")
        and not value.startswith(("data:", "#"))
    ]
    assert outside == []
    styles = re.findall(r"url\((?!#|['\"]?data:)[^)]*\)|@import", report)
    assert styles == []


def test_ids_are_unique_and_every_reference_has_its_target(report):
    page = Page(report)
    ids = [attrs["id"] for _, attrs in page.tags if "id" in attrs]
    assert len(ids) == len(set(ids))
    wanted = set(re.findall(r'(?:href="#|url\(#)([^")]+)', report))
    assert wanted <= set(ids)


def test_what_it_cannot_tell_comes_before_the_answer_and_the_evidence(contents, report):
    headings = re.findall(r"<h[12]>([^<]*)</h[12]>", report)
    assert headings == [
        contents.question, "What this report cannot tell", "What happens", "How sure",
        "The dream", "What happens to the town and its people", "Truth and dream, in step",
        "The simulation, for people’s eyes", "Error over time", "Where the water goes",
        "All scores", "Parameters", "Provenance",
    ]


def test_answer_is_the_scores_own_words(run, report):
    said = json.loads((run / "scores.json").read_text())["words"]
    assert said in Page(report).words()


def test_every_metric_has_its_numbers_in_the_table(run, contents, report):
    stored = json.loads((run / "scores.json").read_text())["scores"]
    text = Page(report).words()
    assert [row.metric for row in contents.scores] == [entry["metric"] for entry in stored]
    for row, entry in zip(contents.scores, stored, strict=True):
        assert row.metric in text
        for shown in (row.value, row.floor, row.reference):
            assert html.number(shown) in text
        assert {a.baseline: a.value for a in row.against} == {
            name: other["value"] for name, other in entry["baselines"].items()
        }


def test_dream_is_shown_to_be_late(contents):
    """The painted dream's water is 15 % slow: its error must show, and the words say late."""
    brier = contents.scores[0]
    assert brier.metric == "water.wet_area_brier"
    assert brier.value > 2 * brier.reference > brier.floor
    assert re.search(r"late", contents.answer[0])


def test_few_cases_and_extrapolation_are_said_first(contents):
    assert "no intervals" in contents.limits[0] and "2 streets" in contents.limits[0]
    assert "wave height 9 m" in contents.limits[1] and "2 to 8 m" in contents.limits[1]
    assert any("2 m" in limit and "0.2 s" in limit for limit in contents.limits)


def test_enough_cases_and_trained_parameters_are_not_complained_of():
    scenario = make("tsunami", wave_height=5.0)
    scores = {"cases": list(range(8)), "fps": 5.0}
    told = " ".join(words.limits(scenario, scores, (), parameter_rows(scenario), 2.0))
    assert "no intervals" not in told and "extrapolation" not in told


def test_metrics_that_resolve_no_baseline_are_named():
    scenario = make("tsunami")
    told = " ".join(words.limits(
        scenario, {"cases": [0], "fps": 5.0},
        (_row("debris.position_crps", "not resolvable: floor"), _row("water.front", "", 0.5)),
        parameter_rows(scenario), 2.0,
    ))
    assert "Skill in debris.position_crps:" in told and "water.front" not in told


def _row(name, reason, skill=None):
    return ScoreRow(name, "", "m", "lower", "whole", 1.0, None, "", 0.1, 0.2,
                    (Against("frozen", 2.0, skill, None, reason),), 1, 0)


def test_parameters_show_unit_ranges_and_extrapolation(contents, report):
    row = next(p for p in contents.parameters if p.name == "wave height")
    assert (row.value, row.unit, row.training, row.extrapolates) == ("9", "m", "2 to 8 m", True)
    assert "9 m extrapolation" in Page(report).words()


def test_provenance_names_what_is_needed_to_repeat_it(report):
    text = Page(report).words()
    for wanted in ("seed 7", "5eed" * 16, "2 m per pixel", "mujoco 4.0.0",
                   "truth, each member left out once"):
        assert wanted in text, wanted
    shown = text.split("makes all of this again:")[1].replace(" \\", "")
    assert " ".join(shown.split()).startswith(COMMAND)


def test_films_of_every_member_are_there_and_play_at_the_right_rate(contents):
    player = contents.player
    keys = {clip.key for clip in player.clips}
    assert keys == {
        f"{source}|{case}|{camera}|{r}"
        for source in ("simulated", "generated") for case in (0, 1)
        for camera in ("overhead", "street") for r in (0, 1)
    }
    assert (player.frames, player.fps, player.given) == (60, 5.0, 5)
    assert len({clip.data for clip in player.clips}) == len(player.clips)


def test_whole_cases_are_left_out_when_there_is_no_room(run, contents, monkeypatch):
    monkeypatch.setattr(films, "ROOM", 1000)
    with worldsim.open(run / "dream.zarr") as dream:
        player = films.player(run, dream, 5)
    assert {clip.case for clip in player.clips} == {0}
    assert player.left_out == 1
    page = html.page(dataclasses.replace(contents, player=player))
    assert "films of 1 more case are left out" in Page(page).words()


def test_every_picture_says_whether_it_was_simulated_or_generated(report):
    page = Page(report)
    classes = [attrs["class"].split() for attrs in page.find("figure")]
    figures = [names for names in classes if "picture" in names]
    assert figures and all(("simulated" in f) != ("generated" in f) for f in figures)
    captions = re.findall(r'<figure class="picture (\w+)">\s*<figcaption><span class="badge (\w+)">'
                          r"(\w+)</span>", report)
    assert len(captions) == len(figures)
    assert all(kind == badge == word.lower() for kind, badge, word in captions)


def test_nothing_in_the_section_for_the_eyes_is_generated(report):
    section = report[report.index('id="eyes"'):report.index('id="errors"')]
    assert 'class="picture simulated"' in section and "picture generated" not in section


def test_pictures_plots_films_and_tables_have_words(report):
    page = Page(report)
    assert all(attrs.get("alt") for attrs in page.find("img"))
    assert all(attrs.get("aria-label") for attrs in page.find("video"))
    assert all(attrs.get("aria-label") for _, attrs in page.tags if attrs.get("role") == "img")
    assert report.count("<table") == report.count("<caption>")
    assert page.find("html")[0]["lang"] == "en"


@pytest.mark.parametrize(
    "missing", ["run.json", "scores.json", "scores.nc", "dream.zarr", "videos/simulated",
                "truth_outcomes.nc"]
)
def test_an_unfinished_run_is_refused_in_one_line(run, tmp_path, missing):
    copy = shutil.copytree(run, tmp_path / "run")
    gone = copy / missing
    shutil.rmtree(gone) if gone.is_dir() else gone.unlink()
    with pytest.raises(InputError, match=re.escape(missing)) as caught:
        write_report(copy)
    assert "\n" not in str(caught.value)
    assert not (copy / "report.html").exists()


def test_words_of_a_run_cannot_inject_markup(contents):
    evil = dataclasses.replace(contents, model="<script>alert(1)</script>", answer=("a < b & c",))
    page = html.page(evil)
    assert "<script>alert" not in page
    assert "a &lt; b &amp; c" in page


@given(st.floats(min_value=1e-12, max_value=1e12))
def test_numbers_keep_three_significant_digits(value):
    shown = html.number(value).replace("−", "-")
    match = re.fullmatch(r"([\d.]+)(?:·10\^(-?\d+))?", shown)
    back = float(match[1]) * 10.0 ** int(match[2] or 0)
    assert back == pytest.approx(value, rel=0.051)


def test_plots_have_units_and_tell_sources_apart_without_colour():
    time = np.linspace(0, 12, 60)
    errors = {name: np.full(60, float(i)) for i, name in enumerate(plots.STYLES)}
    ax = plots.error_over_time(time, errors, "m", context=1.0, scored_from=6.0)
    assert ax.get_xlabel() == "time [s]" and ax.get_ylabel().endswith("[m]")
    looks = [(str(line.get_linestyle()), line._dash_pattern, line.get_marker())
             for line in ax.get_lines() if not line.get_label().startswith("_")]
    assert len(looks) == len(errors) == len(set(map(str, looks)))


def test_error_plot_draws_the_numbers_it_is_given():
    time, error = np.arange(4.0), np.array([0.0, 1.0, np.nan, 3.0])
    ax = plots.error_over_time(time, {"generated": error}, "m")
    np.testing.assert_array_equal(ax.get_lines()[0].get_ydata(), error)
    assert ax.get_ylim()[0] == 0


def test_front_plot_shows_the_median_of_realizations():
    front = np.array([[1.0, 2.0, np.nan], [3.0, 4.0, np.nan], [9.0, np.nan, np.nan]])
    ax = plots.front_over_time(np.arange(3.0), front, front)
    medians = {line.get_label(): line.get_ydata() for line in ax.get_lines()
               if not line.get_label().startswith("_")}
    assert list(medians) == ["simulated: median of 3", "generated: median of 3"]
    np.testing.assert_array_equal(medians["simulated: median of 3"], [3.0, 3.0, np.nan])
    assert ax.get_ylabel() == "water front, x [m]"


def test_map_lies_where_the_cells_are():
    x, y = np.arange(1.0, 193, 2), np.arange(1.0, 129, 2)
    ax = plots.wet_map(x, y, np.zeros((64, 96)), source="generated", time=9.0)
    assert ax.get_images()[0].get_extent() == [0, 192, 0, 128]
    assert "GENERATED" in ax.get_title() and ax.get_xlabel().endswith("[m]")
    assert ax.spines["left"].get_linestyle() == "--"
