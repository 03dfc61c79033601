"""`worldsim scenarios`: the list, all about one, and the catalogue say what is declared."""

import base64
import html
import io
import json
import re

import numpy as np
import pytest
from PIL import Image

from worldsim.cli import main
from worldsim.scenario import list_scenarios, scenario_class


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    out = tmp_path_factory.mktemp("catalogue") / "all.html"
    assert main(["scenarios", "free_fall", "pendulum", "--catalogue", str(out)]) == 0
    return out.read_text()


@pytest.mark.parametrize("name", ["free_fall", "pendulum"])
def test_the_catalogue_says_all_that_is_declared(page, name):
    cls = scenario_class(name)
    section = html.unescape(page[page.index(f'<section id="{name}"'):].split("</section>")[0])
    words = re.sub(r"\s+", " ", section)
    expected = [cls.leaves_out, *cls().captions()[:-1], *cls.parameters()]
    for spec in cls.parameters().values():
        expected += [spec.meaning, *([] if spec.choices else [
            "{:g} to {:g}".format(*spec.training), "{:g} to {:g}".format(*spec.physical)])]
    for check in cls.checks:
        expected += [check.name, check.formula, check.source]
    for observable in cls.observables:
        expected += [observable.name, observable.meaning]
    assert cls.checks and cls.observables
    for text in expected:
        assert re.sub(r"\s+", " ", text) in words


def test_its_pictures_show_the_scenarios_and_nothing_is_fetched(page):
    pictures = re.findall(r'src="data:image/webp;base64,([^"]+)"', page)
    assert len(pictures) == page.count("<img") == 2
    shown = [np.asarray(Image.open(io.BytesIO(base64.b64decode(p)))) for p in pictures]
    assert all(picture.shape[0] > 4 * 96 and picture.shape[1] > 6 * 96 for picture in shown)
    assert all(len(np.unique(picture.reshape(-1, 3), axis=0)) > 500 for picture in shown)
    assert not re.search(r'(src|href)="(?!data:|#)', page)


def test_all_are_listed_in_a_line_and_one_in_full(capsys):
    assert main(["scenarios"]) == 0
    listed = capsys.readouterr().out
    assert [line.split()[0] for line in listed.split("\n\n")[0].splitlines()] == list_scenarios()
    assert main(["scenarios", "pendulum"]) == 0
    told = capsys.readouterr().out
    for name in scenario_class("pendulum").parameters():
        assert f"--{name.replace('_', '-')}" in told
    for word in ("outside_all", "damping", "Landau"):
        assert word in told
    assert main(["scenarios", "pendulum", "--json"]) == 0
    (described,) = json.loads(capsys.readouterr().out)
    assert described["frames_per_second"] == 20 and "inside" in described["splits"]
    assert {check["name"] for check in described["checks"]} >= {"period", "energy"}


@pytest.mark.parametrize("args, expected", [
    (["pendulun"], "did you mean 'pendulum'"),
    (["--catalogue", "a.pdf"], "ends in .html"),
    (["--jsn"], "did you mean --json"),
])
def test_bad_input_is_one_line(args, expected, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["scenarios", *args]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and expected in said
    assert not list(tmp_path.iterdir())
