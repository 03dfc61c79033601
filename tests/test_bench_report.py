"""The benchmark's page and its terminal print: complete, honest about what is missing, alone."""

import base64
import io
import json
import re
from html.parser import HTMLParser

import bench_results as synthetic
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluation.benchmark.report import films, page, write_report
from evaluation.benchmark.report.figures import ladder_plot, response_plot
from evaluation.benchmark.report.skill_chart import skill_chart
from evaluation.benchmark.report.stored import block_title, read_run
from evaluation.benchmark.report.wording import (
    answer,
    between,
    limits,
    listed,
    skill,
    unit_symbol,
)
from evaluation.benchmark.terminal import bar, print_result
from worldsim.errors import InputError
from worldsim.video_reading import read_video


class Page(HTMLParser):
    """Text, tags with attributes, and whether tags are balanced."""

    VOID = frozenset(("meta", "link", "img", "input", "br", "path", "use"))

    def __init__(self, text):
        super().__init__()
        self.tags, self.text, self.titles, self.stack, self.unbalanced = [], [], [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.stack.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        if tag not in self.VOID and (not self.stack or self.stack.pop() != tag):
            self.unbalanced.append(tag)

    def handle_data(self, data):
        if self.stack and self.stack[-1] not in ("script", "style"):
            self.text.append(data)
            if self.stack[-1] == "h2":
                self.titles.append(data)

    def find(self, tag, **wanted):
        return [attrs for name, attrs in self.tags
                if name == tag and all(attrs.get(k) == v for k, v in wanted.items())]

    def words(self):
        return " ".join(" ".join(self.text).split())


def small(**changes):
    """A result of one scenario with one plot, without films."""
    found = synthetic.result(("free_fall",), **changes)
    found["blocks"][0].update(best_case="", worst_case="")
    found["blocks"][0]["metrics"] = found["blocks"][0]["metrics"][::2]
    return {**found, "equivalents": [], "what_if": []}


def text_of(tmp_path, found):
    return write_report(synthetic.make_folder(tmp_path / "run", found, dreams=False)).read_text(
        "utf-8")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return synthetic.make_folder(tmp_path_factory.mktemp("bench") / "run")


@pytest.fixture(scope="module")
def text(folder):
    return write_report(folder, synthetic.frames).read_text("utf-8")


@pytest.fixture(scope="module")
def read(text):
    return Page(text)


def test_page_is_well_formed_and_stands_alone(text, read):
    assert read.unbalanced == [] and read.stack == []
    addresses = [value for _, attrs in read.tags for name, value in attrs.items()
                 if name in ("src", "href", "xlink:href", "poster", "srcset", "action")]
    assert addresses and all(a.startswith(("data:", "#")) for a in addresses)
    assert "@import" not in text and not re.search(r"url\((?!#)", text)
    ids = [attrs["id"] for _, attrs in read.tags if "id" in attrs]
    assert len(ids) == len(set(ids))
    assert set(re.findall(r'href="#([^"]+)"', text)) <= set(ids)


def test_page_says_what_cannot_be_told_before_the_answer_before_the_evidence(read):
    assert read.titles == [
        "What this result cannot tell", "The answer", "Skill, scenario by scenario",
        "Headline metrics", "As wrong as which simulator?", "What if one parameter changed?",
        "Scenario by scenario", "Failures", "How sure this is", "Provenance"]


def test_page_has_every_part_of_the_result(read):
    words, found = read.words(), synthetic.result()
    for block in found["blocks"]:
        assert block["scenario"].replace("_", " ") in words
        for metric in block["metrics"]:
            assert metric["metric"] in words
    for one in found["equivalents"]:
        assert one["text"] in words
    for digest in found["suite"]["digests"].values():
        assert digest in words
    for said in (found["power"][0], "half the frame rate", "−0.03 [−0.04, −0.02]",
                 "0123456789abcdef", "it takes no parameters", "How far the first ball has"):
        assert said in words
    assert "worldsim bench run \\ --model videos:my-model \\ --suite quick" in words


def test_written_whole_or_not_at_all(folder, tmp_path, monkeypatch):
    run = synthetic.make_folder(tmp_path / "run", small(), dreams=False)
    before = write_report(run).read_bytes()

    def broken(*_):
        raise OSError("disk full")

    monkeypatch.setattr(page, "page", broken)
    with pytest.raises(OSError, match="disk full"):
        write_report(run)
    assert (run / "report.html").read_bytes() == before
    assert sorted(p.name for p in run.iterdir()) == ["report.html", "result.json", "result.nc"]


def test_the_same_result_is_the_same_page(folder, tmp_path):
    pages = [text_of(tmp_path / str(n), small()) for n in range(2)]
    assert pages[0] == pages[1]


@pytest.mark.parametrize(("break_it", "said"), [
    (lambda run: (run / "result.json").unlink(), "is not there"),
    (lambda run: (run / "result.json").write_text("{"), "is no JSON"),
    (lambda run: (run / "result.json").write_text("[]"), "has the schema None"),
    (lambda run: (run / "result.json").write_text('{"schema": "worldsim-bench/9"}'), "bench/9"),
    (lambda run: (run / "result.nc").unlink(), "is not there"),
    (lambda run: (run / "result.nc").write_bytes(b"CDF?"), "cannot be read"),
])
def test_a_broken_result_is_refused_in_one_line(tmp_path, break_it, said):
    run = synthetic.make_folder(tmp_path / "run", small(), dreams=False)
    break_it(run)
    with pytest.raises(InputError, match=said) as refused:
        write_report(run)
    assert "\n" not in str(refused.value) and not (run / "report.html").exists()


# What may be missing or odd


NASTY = "<script>alert('x')</script> & \"模型\" 🌊 $a_b^{c}$ " + "very-long-name" * 20


def test_foreign_words_are_escaped_and_long_ones_kept(tmp_path):
    found = small(model=NASTY)
    found["what_if"] = [synthetic.colours()]
    found["failed"], found["failures"] = 1, {"free_fall-in_range-0003": "<img src=x> {{ 1 }} $_$"}
    found["command"] = "worldsim bench run --model '</code><script>alert(1)</script>'"
    read = Page(text_of(tmp_path, found))
    assert read.unbalanced == [] and len(read.find("script")) == 1 and not read.find("img")
    assert " ".join(NASTY.split()) in read.words()
    assert "<img src=x> {{ 1 }} $_$" in read.words()


def test_nothing_but_nulls(tmp_path):
    found = small(cases=1, half=None)
    block = found["blocks"][0]
    block["skill"] = found["overall"]["skill"] = synthetic.est(None, reason="nothing was told")
    block["others"], found["overall"]["others"] = {}, {}
    for metric in block["metrics"]:
        metric.update(value=None, floor=None, reference=None, best_baseline=None, baselines={})
    one = synthetic.equivalent()
    one.update(strength=None, interval=None, end="above", skill=None, skills=[None] * 11)
    nothing = synthetic.est(None)
    empty = synthetic.what_if(dream=[None] * 11, interpolated=None, statistics={
        "null_ratio": nothing, "ceiling": {"null_ratio": nothing}, "interpolated": None})
    found.update(equivalents=[one], what_if=[empty], sensitivity=[], power=[], words=[])
    words = Page(text_of(tmp_path, found)).words()
    assert "No skill can be given for videos:my-model: nothing was told." in words
    assert not re.search(r"\b(None|nan|null(?! ratio))\b", words)


def test_everything_unsupported(tmp_path):
    found = synthetic.result(("free_fall", "incline"))
    found["unsupported"] = {"free_fall": "it needs text", "incline": "it needs text"}
    found["overall"].update(skill=synthetic.est(None), others={}, scenarios=0)
    for block in found["blocks"]:
        block.update(skill=synthetic.est(None), others={}, best_case="", worst_case="")
        for metric in block["metrics"]:
            metric.update(value=None, interval=None, interval_reason="no value", unsupported=True)
    found.update(equivalents=[], what_if=[], sensitivity=[])
    words = Page(text_of(tmp_path, found)).words()
    assert ("How it does in free fall and incline, where it cannot be asked: it needs text."
            in words)
    assert words.count("cannot be asked") > len(found["blocks"])
    assert "not resolvable)" not in " ".join(limits(found))


@pytest.mark.parametrize("blocks", [0, 1])
def test_no_blocks_and_no_metrics(tmp_path, blocks):
    found = small()
    found["blocks"] = found["blocks"][:blocks]
    for block in found["blocks"]:
        block["metrics"] = []
    assert Page(text_of(tmp_path, found)).unbalanced == []


def test_hundreds_of_cases_that_fail(tmp_path):
    found = small(cases=300)
    found["blocks"][0]["failed"] = found["failed"] = 299
    found["failures"] = {f"free_fall-in_range-{n:04d}": "out of memory" for n in range(299)}
    text = text_of(tmp_path, found)
    words = Page(text).words()
    assert "it failed there" in words and "299 of 300 cases" in words
    assert all(case in words for case in found["failures"])
    assert len(text) < 1_000_000


def test_many_blocks_stay_small_and_only_the_first_stands_open(tmp_path):
    names = [f"scenario_{n}" for n in range(60)]
    found = small()
    found["blocks"] = [synthetic.block(name, split=split) for name in names[:30]
                       for split in ("in_range", "outside")]
    for block in found["blocks"]:
        block.update(best_case="", worst_case="", metrics=[])
    read = Page(text_of(tmp_path, found))
    opened = [attrs for attrs in read.find("details", **{"class": "block"}) if "open" in attrs]
    assert len(opened) == 1 and "scenario 3, outside" in read.words()


# Words


def test_limits_begin_with_the_gravest():
    found = synthetic.result(half=None, cases=3)
    found.update(official=False, unofficial_because=["only part of the suite was run"],
                 unsupported={"incline": "no parameters"}, failed=2, excluded={"a": "energy"},
                 equivalents=[])
    found["blocks"][0]["skill"] = synthetic.est(None)
    for name in found["blocks"][1]["metrics"][1]["baselines"].values():
        name["skill"].update(value=None, interval=None, resolvable=False)
    said = limits(found)
    starts = ["Where this model ranks", "How it does in incline", "How skilful it is in free fall",
              "Skill in pixel.ssim in collision", "What the model would have made of 2 of 9 cases",
              "Anything of 1 case whose truth", "Whether differences are chance: there is no",
              "How wrong a simulator", "Anything but the scenes"]
    assert [s[:len(start)] for s, start in zip(said, starts, strict=True)] == starts
    assert "only part of the suite was run" in said[0]


def test_a_tie_is_a_limit_with_the_cases_that_would_end_it():
    found = synthetic.result()
    found["overall"]["others"]["baseline:nearest"] = {
        "skill": synthetic.est(0.5), "difference": synthetic.est(-0.02),
        "verdict": "cannot be told", "cases_needed": 60}
    said = " ".join(limits(found))
    assert ("better or worse than the nearest training rollout: the difference in skill is "
            "−0.02 [−0.07, +0.03]; about 60 cases a scenario would tell.") in said
    assert "cannot be told from the nearest training rollout" in " ".join(answer(found))


def test_answer_gives_skill_rivals_and_equivalents():
    said = answer(synthetic.result())
    assert said == [
        "videos:my-model has a skill of 0.48 [0.44, 0.52] over 3 scenarios: 0 is the frozen "
        "picture, 1 the simulator with other hidden draws.",
        "It beats the frozen picture and constant velocity; it is beaten by the simulator with "
        "other hidden draws, climatology and the nearest training rollout.",
        "It is as wrong as gravity too weak by 12% [9, 15]; as objects that jump: 12% [9, 15].",
    ]


def test_models_that_say_what_they_show_are_held_to_it(tmp_path):
    found = synthetic.result()
    for block, gap in zip(found["blocks"], (0.1, 0.3, None), strict=True):
        block["shows_against_says"] = gap and {
            "value": gap, "unit": "m", "interval": [gap / 2, 2 * gap], "interval_reason": ""}
    worst = block_title(found["blocks"][1])
    assert answer(found)[-1] == (
        f"Bodies are shown 0.200 m from where it says they are, in {worst} 0.300 m.")


def test_without_intervals_nothing_is_claimed_beside_others():
    said = answer(synthetic.result(cases=3, half=None))
    assert said[0].startswith("videos:my-model has a skill of 0.48 over 3 scenarios")
    assert said[1].startswith("Without intervals nothing is said beside the simulator with")
    assert "beats" not in said[1] and "beaten" not in said[1]


def test_answer_puts_equivalents_with_a_place_first_and_counts_the_rest():
    found = synthetic.result()
    beyond = {**synthetic.equivalent(), "strength": None, "text": "as wrong as blur more than 50%"}
    found["equivalents"] = [beyond] * 4 + [synthetic.equivalent()]
    said = answer(found)[-1]
    assert said.startswith("It is as wrong as gravity too weak by 12% [9, 15]; as blur")
    assert said.endswith("; 1 more ladders stand below.")


@pytest.mark.parametrize(("value", "shown"), [
    (None, "–"), (0.0, "0.00"), (-0.001, "0.00"), (0.456, "0.46"), (-1.2, "−1.20"),
    (-213.4, "−213"), (12.34, "12.3"),
])
def test_skill_in_digits(value, shown):
    assert skill(value) == shown


def test_small_words():
    assert skill(0.1, "+") == "+0.10" and skill(0.0, "+") == "0.00"
    assert between(None) == "" and between([-0.5, 1]) == "[−0.50, 1.00]"
    assert listed(["a"]) == "a" and listed(["a", "b", "a", "c"]) == "a, b and c"
    assert listed("abcdefgh", "or") == "a, b, c, d, e and 3 more"
    assert [unit_symbol(u) for u in ("1", "m", "m s-2", "m2", "m/s")] == ["", "m", "m s⁻²", "m²",
                                                                          "m/s"]


# The chart


@given(st.lists(st.floats(-500, 2), min_size=1, max_size=5))
def test_chart_puts_skills_in_order_within_its_width(skills):
    found = {"model": {"name": "m"}, "unsupported": {}, "blocks": [
        {**synthetic.block("free_fall", skill=value, half=None), "others": {}}
        for value in skills], "overall": {"skill": synthetic.est(0.5, None), "others": {}}}
    chart = skill_chart(found)
    places = [row.marks[-1].place for row in chart.rows[1:]]
    assert all(0 <= place <= 100 for place in places)
    assert np.all(np.diff(np.array(places)[np.argsort(skills)]) >= 0)
    ticks = {label: place for place, label in chart.ticks}
    for value, row in zip(skills, chart.rows[1:], strict=True):
        mark = row.marks[-1]
        if mark.beyond:
            assert mark.place in (0, 100)
        else:
            assert mark.place == pytest.approx(
                ticks["0"] + value * (ticks["1"] - ticks["0"]), abs=0.02)


def test_chart_has_a_row_for_all_and_for_every_block(read):
    chart = skill_chart(synthetic.result())
    assert [row.title for row in chart.rows] == ["All scenarios", "free fall", "collision",
                                                 "incline"]
    assert [row.text for row in chart.rows[:2]] == ["0.48 [0.44, 0.52]", "0.15 [0.11, 0.19]"]
    assert len(chart.rows[0].marks) == 1 + len(synthetic.OTHERS)
    drawn = [a for name, a in read.tags if name == "svg" and a.get("x", "").endswith("%")]
    assert len(drawn) == sum(len(row.marks) for row in chart.rows)


# Plots


def test_slider_stands_where_the_curve_has_its_levels():
    """The second way: the curve's own path in the SVG."""
    drawn = response_plot(synthetic.what_if(), "m", "w")
    width = float(re.search(r'viewBox="0 0 ([\d.]+)', drawn.plot.svg)[1])
    path = next(path for path in re.findall(r'<path d="([^"]*)"[^>]*stroke: #0072b2',
                                            drawn.plot.svg) if path.count("L") == 10)
    across = [float(x) for x in re.findall(r"[ML] ([\d.]+) ", path)]
    assert drawn.places == pytest.approx([100 * x / width for x in across], abs=0.02)


def test_grey_ground_covers_just_the_levels_outside_the_training_range():
    one = synthetic.what_if()
    assert len(re.findall("patch_", response_plot(one, "m", "w").plot.svg)) > len(
        re.findall("patch_", response_plot({**one, "in_range": [True] * 11}, "m", "w").plot.svg))


def ladder_of(**changes):
    return ladder_plot({**synthetic.equivalent(), **changes}, "m").svg


def test_place_on_a_ladder_lies_on_the_model_s_line_within_its_interval():
    svg = " ".join(ladder_of().split())
    x, y = map(float, re.search(r'<use [^>]*x="([\d.]+)" y="([\d.]+)"[^>]*stroke: #ffffff',
                                svg).groups())
    level = re.search(r'd="M [\d.]+ ([\d.]+) L [\d.]+ ([\d.]+) "[^>]*stroke: #d55e00', svg)
    low, high = re.search(r'd="M ([\d.]+) [\d.]+ L ([\d.]+) [^>]*fill: #d55e00', svg).groups()
    assert float(level[1]) == float(level[2]) == pytest.approx(y)
    assert float(low) < x < float(high)
    # on a logarithmic axis the share of the way is that of the logarithms
    share = (x - float(low)) / (float(high) - float(low))
    assert share == pytest.approx(np.log(0.12 / 0.09) / np.log(0.15 / 0.09), abs=1e-4)


@pytest.mark.parametrize(("interval", "end", "banded"), [
    ([0.09, 0.15], "", True), ([0.3, 1.0], "", True), ([0.0, 0.03], "", True), (None, "", False),
    ([0.0, 0.0], "below", False), ([1.0, 1.0], "above", False), ([None, 1.0], "above", False),
])
def test_interval_on_a_ladder_is_drawn_where_the_ladder_has_it(interval, end, banded):
    assert ("interval of the place" in ladder_of(interval=interval, end=end)) is banded


def test_levels_outside_are_marked_in_the_table_and_for_the_slider(read):
    sweep = synthetic.what_if()
    (article, _) = read.find("article", **{"class": "what-if"})
    steps = json.loads(article["data-steps"])
    assert [step["inside"] for step in steps] == sweep["in_range"]
    assert steps[3]["level"] == "8.7 m s⁻²"
    assert steps[3]["values"][0] == ["simulated", "0.533 m"]
    assert len(read.find("tr", **{"class": "outside"})) == sweep["in_range"].count(False)


def test_plots_have_words_for_those_who_cannot_see_them(read):
    images = read.find("div", role="img")
    # two ladders, two what-ifs, two headline metrics in each of three blocks
    assert len(images) == 10 and all(len(image["aria-label"]) > 40 for image in images)
    assert len({image["aria-label"] for image in images}) > 8


# Films


def shown(address, tmp_path):
    path = tmp_path / "film.mp4"
    path.write_bytes(base64.b64decode(address.partition(",")[2]))
    return read_video(path).frames


def test_films_are_the_worst_and_best_case_of_every_block(folder, read, tmp_path):
    videos = read.find("video")
    assert len(videos) == 3 * 2 * 2 and all("controls" in v and "muted" in v for v in videos)
    labels = [v["aria-label"] for v in videos[:4]]
    assert labels == ["truth of free_fall-in_range-0007", "dream of free_fall-in_range-0007",
                      "truth of free_fall-in_range-0000", "dream of free_fall-in_range-0000"]
    case = "free_fall-in_range-0007"
    truth, dream = (shown(v["src"], tmp_path) for v in videos[:2])
    seen = [film[:, ::films.SCALE, ::films.SCALE].astype(int) for film in (truth, dream)]
    wanted = [synthetic.frames(case, late=late)[0].astype(int) for late in (0, 6)]
    apart = [[np.abs(film - other).mean() for other in wanted] for film in seen]
    assert apart[0][0] < 0.3 * apart[0][1] and apart[1][1] < 0.3 * apart[1][0]


def test_films_stop_where_the_room_ends_worst_cases_first(folder):
    run = read_run(folder)
    every = films.films(run, synthetic.frames, 10**8)
    first = every.pairs["free_fall-in_range"][0]
    room = 3 * (len(first.truth) + len(first.dream)) + 2000
    few = films.films(run, synthetic.frames, room)
    kept = [pair.which for pairs in few.pairs.values() for pair in pairs]
    assert kept == ["worst"] * 3 and few.left_out == 3 and every.left_out == 0


def test_a_case_without_dream_shows_why(tmp_path):
    found = synthetic.result(("free_fall",), cases=1)
    found["equivalents"], found["what_if"] = [], []
    found["failures"] = {"free_fall-in_range-0000": "ValueError: no <memory>"}
    run = read_run(synthetic.make_folder(tmp_path / "run", found))
    ((pair,),) = films.films(run, synthetic.frames, 10**8).pairs.values()
    assert pair.dream is None and pair.reason == "ValueError: no <memory>"
    text = write_report(run.folder, synthetic.frames).read_text("utf-8")
    assert "No dream</span>: ValueError: no &lt;memory&gt;" in text


def test_films_of_another_version_are_refused_with_the_reason(folder, monkeypatch):
    """Truths simulated by changed code would not be those that were scored."""
    import evaluation.benchmark.suites as suites

    class Other:
        id = "quick-v1"

        def digests(self):
            return {**synthetic.result()["suite"]["digests"], "data": "changed"}

    monkeypatch.setattr(suites, "suite_named", lambda name, seed: Other())
    found = films.films(read_run(folder), None, 10**8)
    assert not found.pairs and "the data of quick-v1 changed" in found.reason


def test_whole_page_is_small(text):
    assert len(text) < 1_500_000


# Terminal


def printed(tmp_path, found):
    path = tmp_path / "result.json"
    path.write_text(json.dumps(found), encoding="utf-8")
    file = io.StringIO()
    print_result(path, file)
    return file.getvalue()


def test_terminal_has_a_line_a_scenario_then_limits_then_the_answer(tmp_path):
    found = synthetic.result()
    text = printed(tmp_path, found)
    lines = [line.split() for line in text.splitlines()]
    assert ["collision", "8", "0.47", "[0.43,", "0.52]"] in [line[:5] for line in lines]
    assert ["all", "24", "0.48", "[0.44,", "0.52]"] in [line[:5] for line in lines]
    joined = " ".join(text.split())
    assert joined.index("Cannot be told") < joined.index("The answer")
    for sentence in (*limits(found), *answer(found)):
        assert " ".join(sentence.split()) in joined
    assert "\x1b" not in text


@pytest.mark.parametrize("found", [
    synthetic.result(), small(model=NASTY), small(cases=1, half=None),
    synthetic.result(tuple(f"a_scenario_with_a_long_name_{n}" for n in range(20)), cases=300),
])
def test_terminal_fits_eighty_columns(tmp_path, found):
    found["blocks"][0].update(skill=synthetic.est(None), failed=3)
    found["unsupported"] = {found["blocks"][0]["scenario"]: "[bold]it needs[/bold] text"}
    text = printed(tmp_path, found)
    assert max(map(len, text.splitlines())) <= 80
    assert "[bold]it needs[/bold] text" in " ".join(text.split()) and "None" not in text


@pytest.mark.parametrize(("value", "length"), [(None, 0), (-3, 0), (0.5, 7), (1, 14), (7, 14)])
def test_bar(value, length):
    assert len(bar(value)) == length
