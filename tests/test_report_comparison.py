"""Two what-ifs side by side: on the same draws, or refused."""

import json
import re

import numpy as np
import pytest
import xarray as xr
from test_report import Page
from test_report_town import truth

import worldsim
from evaluation.report import comparison, html
from evaluation.report.comparable import check_comparable, differences
from evaluation.report.contents import Amount
from worldsim.cli import main
from worldsim.errors import InputError
from worldsim.outcomes import wording
from worldsim.rollout import save

DEFINITION = {
    "worldsim": "0.1.0", "cases": 2, "realizations": 2, "seed": 0, "duration": 12.0,
    "scenario": {"name": "tsunami", "version": 3,
                 "parameters": {"wave_height": 6.0, "seawall_height": 0.0}},
}


def definition(**changes):
    """A run's definition with other parameters (by name) or other parts."""
    made = json.loads(json.dumps(DEFINITION))
    for name, value in changes.items():
        if name in made["scenario"]["parameters"]:
            made["scenario"]["parameters"][name] = value
        elif name in ("name", "version"):
            made["scenario"][name] = value
        else:
            made[name] = value
    return made


def simulated(folder, wall, **changes):
    """A directory as `worldsim simulate` leaves it."""
    save(truth(seawall=wall, people=90), folder / "truth.zarr")
    (folder / "run.json").write_text(json.dumps({
        "schema_version": 1, "begun": "2030-01-02T03:04:05+00:00", "stages": {},
        "definition": definition(seawall_height=wall, **changes), "command": "worldsim simulate …",
        "definition_sha256": "0" * 64, "versions": {}}))
    return folder


@pytest.fixture(scope="module")
def two(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    return simulated(folder / "without", 0.0), simulated(folder / "with", 3.0)


@pytest.fixture(scope="module")
def contents(two):
    runs = tuple(two)
    truths = tuple(worldsim.open(run / "truth.zarr") for run in runs)
    definitions = tuple(definition(seawall_height=wall) for wall in (0.0, 3.0))
    return comparison.gather(runs, definitions, truths, "worldsim report without with")


def test_differences_are_the_second_minus_the_first(contents):
    buildings = next(t for t in contents.tables if t.title == "Buildings")
    assert buildings.columns == ("seawall height 0\xa0m", "seawall height 3\xa0m", "difference")
    for table in contents.tables:
        if table.title == "Screened symptoms":
            continue  # medians: that of a difference is not the difference of two
        for row in table.rows:
            first, second, difference = row.amounts
            if difference is not None:
                assert difference.value == pytest.approx(second.value - first.value, abs=1e-9)


def test_pairs_share_their_draws(contents):
    """The made-up wall changes nobody's fate: no difference, though each has a range."""
    people = next(t for t in contents.tables if t.title == "People")
    deaths = next(row for row in people.rows if row.meaning == "expected deaths")
    assert deaths.amounts[0].high > deaths.amounts[0].low
    assert deaths.amounts[2] == Amount(0.0)


def test_answer_names_what_changes_and_shows_paired_and_unpaired_shares(contents):
    said = " ".join(contents.answer)
    assert "seawall height 3\xa0m instead of 0\xa0m" in said
    assert re.search(r"points \(.* to .*\) as one study would see both worlds; two separate", said)
    wording.checked(Page(html.comparison_page(contents)).words())


def test_maps_stand_next_to_each_other_in_the_same_colours(contents):
    assert [len(pair) for pair in contents.map_pairs] == [2, 2, 2]
    ends = [re.findall(r">([\d.]+)<!--|<!-- ([\d.]+) -->", plot.svg)
            for plot in contents.map_pairs[0]]
    assert ends[0] == ends[1]
    assert [len(pair) for pair in contents.time_pairs] == [2, 2]


def test_the_page_is_whole_and_says_that_nothing_is_generated(contents):
    text = html.comparison_page(contents)
    page = Page(text)
    assert page.unbalanced == [] and page.stack == []
    ids = [attrs["id"] for _, attrs in page.tags if "id" in attrs]
    assert len(ids) == len(set(ids))
    assert set(re.findall(r'(?:href="#|url\(#)([^")]+)', text)) <= set(ids)
    assert "nothing is generated" in page.words()
    assert text.count("<table") == text.count("<caption>") and len(text) < 3_000_000
    headings = re.findall(r"<h2>([^<]*)</h2>", text)
    assert headings[0] == "What this comparison cannot tell"


def test_a_plot_that_only_one_world_has_stands_alone(contents):
    first = tuple(pair[0] for pair in contents.time_pairs)
    second = (contents.time_pairs[0][1],)
    assert [len(pair) for pair in comparison._side_by_side([first, second])] == [2, 1]


@pytest.mark.parametrize(("change", "said"), [
    ({"seed": 1}, "seed is 0 in the first and 1 in the second; .*--seed 0"),
    ({"cases": 3}, "cases is 2 .*--cases 2"),
    ({"realizations": 4}, "realizations is 2"),
    ({"duration": 6.0}, "duration is 12.0"),
    ({"version": 2}, "scenario version is 3 .*with this version"),
    ({"name": "town"}, "scenario name"),
    ({"worldsim": "0.2.0"}, "worldsim is 0.1.0"),
    ({"seawall_height": 0.0}, "ask the same question"),
])
def test_runs_that_are_not_pairs_are_refused_in_one_line(tmp_path, change, said):
    second = definition(**{"seawall_height": 3.0} | change)
    with pytest.raises(InputError, match=said) as caught:
        check_comparable((tmp_path / "a", tmp_path / "b"), (DEFINITION, second))
    assert "\n" not in str(caught.value)


def test_what_differs_is_told_with_its_unit():
    told = differences(DEFINITION, definition(seawall_height=3.0, wave_height=8.0))
    assert told == {"wave height": ("6\xa0m", "8\xa0m"), "seawall height": ("0\xa0m", "3\xa0m")}


def test_a_run_without_truth_or_town_is_refused(two, tmp_path):
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(InputError, match="not a run directory"):
        comparison.write_comparison(two[0], empty, tmp_path / "c.html")
    (empty / "run.json").write_text(json.dumps(
        {"definition": definition(seawall_height=3.0), "command": "worldsim simulate …"}))
    with pytest.raises(InputError, match=r"no truth\.zarr yet; finish it with `worldsim simulate"):
        comparison.write_comparison(two[0], empty, tmp_path / "c.html")
    bare = truth(people=0)
    del bare["structures"]
    save(bare, empty / "truth.zarr")
    with pytest.raises(InputError, match="no town"):
        comparison.write_comparison(two[0], empty, tmp_path / "c.html")
    assert not (tmp_path / "c.html").exists()


def test_pairs_of_which_a_member_failed_are_left_out(two, contents):
    truths = [worldsim.open(run / "truth.zarr").load() for run in two]
    definitions = tuple(definition(seawall_height=wall) for wall in (0.0, 3.0))

    def fail(tree, which):
        made = tree.copy()
        made["audit"] = xr.DataTree(xr.Dataset(
            {"failed": (("case", "realization"), np.array(which))}))
        return made

    one = fail(truths[1], [[True, False], [False, False]])
    made = comparison.gather(two, definitions, (truths[0], one), "")
    assert "1 pair of which" in made.limits[0]
    every = fail(truths[1], [[True, True], [True, True]])
    with pytest.raises(InputError, match="every member"):
        comparison.gather(two, definitions, (truths[0], every), "")


def test_the_command_writes_the_page_where_it_says(two, tmp_path, capsys):
    out = tmp_path / "pair.html"
    assert main(["report", str(two[0]), str(two[1]), "--out", str(out)]) == 0
    assert capsys.readouterr().out.strip() == f"comparison: {out}"
    text = out.read_text("utf-8")
    assert "What difference it makes" in text and f"--out {out}" in Page(text).words()


@pytest.mark.parametrize(("args", "said"), [
    (["one", "two", "three"], "3 runs given"),
    (["one", "--out", "x.html"], "leave --out away"),
    (["one", "two"], "not a run directory"),
])
def test_wrong_use_of_the_command_is_one_line(args, said, capsys):
    assert main(["report", *args]) == 2
    err = capsys.readouterr().err
    assert said in err and len(err.strip().splitlines()) == 1
