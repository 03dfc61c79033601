"""Declared coefficients, where they are from, and how the command line prints them."""

import json
import subprocess
import sys

import numpy as np
import pytest

from worldsim.cli import cite, main
from worldsim.cli.simulator_constants import simulator_constants
from worldsim.errors import InputError
from worldsim.outcomes.catalogue import coefficients, keys
from worldsim.outcomes.damage import DRIFT_THRESHOLDS
from worldsim.outcomes.damage import TYPES as KINDS
from worldsim.simulator.structures import TYPES
from worldsim.sources import Coefficient, bibliography


def test_every_coefficient_has_a_source_and_every_uncertain_one_in_use_a_wide_law():
    found = coefficients()
    assert len(found) > 150 and set(keys(found)) <= set(bibliography())
    for c in found:
        assert c.meaning and c.unit and c.sources
        # What outcomes are only compared with or counted by may be remembered without a law.
        compared = c.name.startswith(("stability.", "casualties.cold.", "tracer.detectable"))
        assert c.standing != "uncertain" or c.law != "exact" or compared, c.name


def test_draws_follow_the_declared_law():
    source = ("worldsimassumption",)
    normal = Coefficient("test.normal", 2.0, "1", "m", source, "uncertain", "normal", 0.5)
    assert normal.draw(0, 100_000).mean() == pytest.approx(2.0, abs=0.01)
    assert normal.draw(0, 100_000).std() == pytest.approx(0.5, abs=0.01)
    lognormal = Coefficient("test.lognormal", 2.0, "1", "m", source, "uncertain", "lognormal", 0.5)
    assert np.median(lognormal.draw(0, 100_000)) == pytest.approx(2.0, rel=0.01)
    uniform = Coefficient("test.uniform", 2.0, "1", "m", source, "uncertain", "uniform", low=1,
                          high=3)
    drawn = uniform.draw(0, 100_000)
    assert drawn.min() >= 1 and drawn.max() <= 3 and drawn.var() == pytest.approx(4 / 12, rel=0.02)
    clipped = Coefficient("test.clipped", 0.5, "1", "m", source, "uncertain", "normal", 0.5, low=0)
    assert clipped.draw(0, 1000).min() == 0


def test_draws_hang_on_seed_and_name_only():
    one, two = coefficients()[0], coefficients()[1]
    np.testing.assert_array_equal(one.draw(5, 50), one.draw(5, 80)[:50])
    assert not np.array_equal(one.draw(5, 50), one.draw(6, 50))
    assert not np.array_equal(one.draw(5, 50) / one.value, two.draw(5, 50) / two.value)


@pytest.mark.parametrize(("changes", "message"), [
    ({"sources": ("nobody1900",)}, "nobody1900"),
    ({"sources": ()}, "no source"),
    ({"law": "normal"}, "positive spread"),
    ({"law": "uniform"}, "finite low and high"),
    ({"low": 2.0}, "outside its own range"),
])
def test_a_wrong_declaration_is_refused(changes, message):
    right = dict(name="test.x", value=1.0, unit="1", meaning="m", sources=("incore",),
                 standing="uncertain")
    Coefficient(**right)
    with pytest.raises(InputError, match=message):
        Coefficient(**right | changes)


def test_the_simulator_releases_storeys_at_the_drifts_that_outcomes_call_complete():
    for kind, row in zip(KINDS, DRIFT_THRESHOLDS, strict=True):
        assert TYPES[kind].drifts == pytest.approx(tuple(row))


def test_cite_lists_every_coefficient_in_eighty_columns(capsys):
    assert main(["cite", "--explain"]) == 0
    text = capsys.readouterr().out
    head, sources = text.split("\nSources\n")
    lines = head.splitlines()
    assert max(map(len, lines)) <= 80
    for c in coefficients():
        row = next(line for line in lines if line.startswith(f"  {c.name.split('.', 1)[1]} "))
        assert f"{c.value:.5g}" in row and c.standing[0] + " [" in row
    for key in keys(coefficients()):
        assert f"{{{key}," in sources


def test_cite_as_data(capsys):
    assert main(["cite", "--json", "--simulator"]) == 0
    data = json.loads(capsys.readouterr().out)
    by_name = {c["name"]: c for c in data["coefficients"]}
    assert by_name["health.home"]["spread"] == 0.27
    assert by_name["health.home"]["sources"] == ["vangriensven2006mental", "adams2023meta"]
    assert by_name["health.recovery"]["low"] == 0 and "high" not in by_name["health.recovery"]
    assert all(key in data["sources"] for c in by_name.values() for key in c["sources"])
    assert any(c["name"] == "SCATTER_DRIFT" for c in data["simulator"])


def test_the_simulators_constants_come_with_their_text():
    found = {f"{c.module}.{c.name}": c for c in simulator_constants()}
    drift = found["simulator.structures.SCATTER_DRIFT"]
    assert float(drift.value) == 0.4 and "HAZUS" in drift.text
    assert "HAZUS W1" in found["simulator.structures.TYPES"].value


def test_a_run_with_outcomes_cites_what_they_rest_on(tmp_path, capsys):
    run = tmp_path / "run"
    run.mkdir()
    definition = {"worldsim": "0.1.0", "cases": 2, "realizations": 3, "seed": 7, "duration": 12.0,
                  "scenario": {"name": "tsunami", "version": 1, "parameters": {}}}
    (run / "run.json").write_text(json.dumps({
        "schema_version": 1, "definition": definition, "stages": {},
        "command": "worldsim run tsunami", "versions": {"mujoco": "4.0.0"}}))
    assert main(["cite", str(run)]) == 0
    without = capsys.readouterr().out
    assert "todorov2012mujoco" in without and "vangriensven2006mental" not in without
    (run / "truth_outcomes.nc").touch()
    assert main(["cite", str(run), "--json"]) == 0
    data = json.loads(capsys.readouterr().out)
    cited = "\n".join(data["bibtex"])
    assert "vangriensven2006mental" in cited and "suppasri2013building" not in cited
    assert "declared uncertainties" in data["methods"]


def test_coefficients_and_a_run_are_two_questions():
    with pytest.raises(InputError, match="leave RUN out"):
        cite.main(["somewhere", "--explain"])


def test_outcomes_load_without_simulator_network_or_plots():
    code = ("import sys, worldsim\nworldsim.outcomes.assess\n"
            "print([m for m in ('torch', 'mujoco', 'matplotlib') if m in sys.modules])")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
