"""Errors against compute: operations add up over runs, and a power law is found again."""

from __future__ import annotations

import json

import numpy as np
import pytest

from evaluation.learned.compute import curves, main, read, table
from worldsim.errors import InputError


def run(minutes: list[float], errors: dict[float, float], gflops: float) -> list[dict]:
    rows: list[dict] = []
    for at in minutes:
        rows.append({"step": 1, "minutes": at, "gflops": gflops, "loss": 1.0})
        if at in errors:
            rows.append({"minutes": at, "validation": {"ball position [m]": errors[at],
                                                       "held_out_loss": 3.0}})
    return rows


def test_operations_add_up_and_the_law_is_found():
    first = run([1, 2, 3, 4], {2: 0.0, 4: 0.0}, 100.0)
    second = run([1, 2], {2: 0.0}, 50.0)
    spent = np.array([2, 4, 5]) * 60 * 100e9
    for value, row in zip(spent, [r for r in first + second if "validation" in r], strict=True):
        row["validation"]["ball position [m]"] = 7.0 * value**-0.3
    (curve,) = curves([first, second])
    np.testing.assert_allclose(curve.operations, spent)
    assert curve.name == "ball position [m]" and curve.exponent == pytest.approx(0.3)
    assert curve.to_halve == pytest.approx(2 ** (1 / 0.3))
    assert "C^-0.30" in table([curve]) and "10.1 times as much" in table([curve])


def test_no_law_of_what_does_not_fall_or_of_too_few_points():
    rising = run([1, 2, 3], {1: 0.1, 2: 0.2, 3: 0.3}, 10.0)
    few = run([1, 2], {1: 0.3, 2: 0.2}, 10.0)
    for rows in (rising, few):
        (curve,) = curves([rows])
        assert np.isnan(curve.to_halve) and "no law" in table([curve])


def test_logs_are_read_or_refused(tmp_path, capsys):
    log = tmp_path / "metrics.jsonl"
    log.write_text("\n".join(map(json.dumps, run([1, 2, 3], {1: 0.3, 2: 0.2, 3: 0.1}, 10.0))))
    assert main([str(log)]) == 0
    assert "ball position [m]" in capsys.readouterr().out
    with pytest.raises(InputError, match="no log"):
        read(tmp_path / "none.jsonl")
    log.write_text('{"step": 1}')
    with pytest.raises(InputError, match="no validation"):
        read(log)
