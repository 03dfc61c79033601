"""The benchmark from Python: run it, and have its numbers, words, plots and tables.

>>> import worldsim
>>> result = worldsim.bench(model, suite="quick", out="runs/mine")
>>> print(result.in_words())
>>> result.plot()              # matplotlib Axes: skill per scenario
>>> print(result.to_latex())
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evaluation.benchmark.report.wording import answer, between, limits, named, skill
from worldsim.errors import InputError

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from worldsim.world_model import WorldModel

COLUMN = 3.35
"""inches, the width of a journal's column."""

COLOURS = {"baseline:frozen": "#999999", "baseline:constant-velocity": "#E69F00",
           "baseline:climatology": "#56B4E9", "baseline:nearest": "#CC79A7", "mujoco": "#009E73"}
MARKS = {"baseline:frozen": "s", "baseline:constant-velocity": "^", "baseline:climatology": "v",
         "baseline:nearest": "D", "mujoco": "x"}
OWN = "#0072B2"


@dataclasses.dataclass(frozen=True)
class BenchResult:
    """A finished run. data : the content of its ``result.json``. folder : where it lies."""

    data: Mapping[str, Any]
    folder: Path

    @classmethod
    def load(cls, folder: str | os.PathLike[str]) -> BenchResult:
        """The result in a run's directory.

        Raises
        ------
        InputError : there is none.
        """
        path = Path(folder, "result.json")
        if not path.is_file():
            raise InputError(f"{folder} holds no result.json; run `worldsim bench run` first")
        return cls(json.loads(path.read_text(encoding="utf-8")), Path(folder))

    @property
    def report(self) -> Path:
        """The report page."""
        return self.folder / "report.html"

    @property
    def skill(self) -> float | None:
        """Over all scenarios: 1 is the simulator, 0 a frozen picture."""
        return self.data["overall"]["skill"]["value"]  # type: ignore[no-any-return]

    def in_words(self) -> str:
        """What cannot be told, then the answer."""
        return " ".join([*limits(self.data), *answer(self.data)])

    def scenario(self, name: str, split: str = "in_range") -> Mapping[str, Any]:
        """All that was found in one scenario.

        Raises
        ------
        InputError : it was not run.
        """
        for block in self.data["blocks"]:
            if (block["scenario"], block["split"]) == (name, split):
                return block  # type: ignore[no-any-return]
        known = ", ".join(f"{b['scenario']} ({b['split']})" for b in self.data["blocks"])
        raise InputError(f"no scenario {name!r} ({split}) in this result; it has {known}")

    def plot(self, ax: Axes | None = None) -> Axes:
        """Skill per scenario with intervals, baselines and the simulator as marks; at the width of
        a column unless `ax` is given."""
        import matplotlib.pyplot as plt

        blocks = [b for b in self.data["blocks"] if b["skill"]["value"] is not None]
        if ax is None:
            _, ax = plt.subplots(figsize=(COLUMN, 0.9 + 0.24 * len(blocks)), layout="constrained")
        for row, block in enumerate(blocks):
            found = block["skill"]
            ends = found["interval"] or [found["value"]] * 2
            ax.plot(ends, [row, row], "-", color=OWN, linewidth=2, solid_capstyle="butt")
            ax.plot(found["value"], row, "o", color=OWN, markersize=5,
                    label=self.data["model"]["name"] if row == 0 else None)
            for name, other in block["others"].items():
                ax.plot(other["skill"]["value"], row, MARKS.get(name, "o"), markersize=4,
                        color=COLOURS.get(name, "#000000"), fillstyle="none",
                        label=named(name) if row == 0 else None)
        ax.set_yticks(range(len(blocks)), [_title(b) for b in blocks])
        ax.invert_yaxis()
        ax.axvline(0, color="#999999", linewidth=0.8)
        ax.axvline(1, color="#999999", linewidth=0.8, linestyle="--")
        ax.set_xlabel("skill [1]: 0 frozen picture, 1 simulator")
        ax.set_xlim(left=max(ax.get_xlim()[0], -1.0))
        ax.legend(fontsize=6, frameon=False, loc="lower left", bbox_to_anchor=(0, 1), ncols=2)
        return ax

    def to_latex(self) -> str:
        """A table of skills with intervals; the caption says suite, number of cases and version."""
        rows = [
            f"{_title(block)} & {block['cases']} & {_latex(block['skill'])} \\\\"
            for block in self.data["blocks"]
        ]
        data = self.data
        caption = (
            f"Skill of {data['model']['name']} on {data['suite']['id']} ({data['cases']} cases, "
            f"{data['failed']} failed; worldsim {data['versions']['worldsim']}): 1 is the "
            "simulator with other hidden draws, 0 a frozen picture; 95\\% intervals over cases."
        )
        return "\n".join([
            "\\begin{table}", "\\begin{tabular}{lrr}", "\\hline",
            "scenario & cases & skill \\\\", "\\hline", *rows, "\\hline",
            f"all & {data['cases']} & {_latex(data['overall']['skill'])} \\\\", "\\hline",
            "\\end{tabular}", f"\\caption{{{_escaped(caption)}}}", "\\end{table}",
        ])


def _title(block: Mapping[str, Any]) -> str:
    split = "" if block["split"] == "in_range" else f", {block['split'].replace('_', ' ')}"
    return f"{block['scenario'].replace('_', ' ')}{split}"


def _latex(found: Mapping[str, Any]) -> str:
    if found["value"] is None:
        return "--"
    return f"{skill(found['value'])} {between(found['interval'])}".strip().replace("\u2212", "$-$")


def _escaped(text: str) -> str:
    return text.replace("_", "\\_")


class _Quiet:
    """Stages of which nobody is told."""

    def __init__(self, total: int) -> None:
        self.total = total

    @contextlib.contextmanager
    def stage(self, title: str) -> Iterator[Any]:
        """One stage."""
        yield lambda fraction: None


def bench(model: str | WorldModel, suite: str = "quick", *, out: str | os.PathLike[str],
          scenarios: Sequence[str] = (), limit: int | None = None, seed: int | None = None,
          workers: int | None = None, what_if: bool = True) -> BenchResult:
    """Score a world model on a suite; the same as ``worldsim bench run``.

    Parameters
    ----------
    model : a name, as `worldsim.load_model` takes it, or any world model.
    suite : quick, core, full, or fresh (with `seed`, or one drawn now).
    out : directory of the result; the same call continues or loads it.
    scenarios, limit : only these, only so many cases of each; the result is then unofficial.
    workers : processes; one by default, since a script that starts others needs the usual
        ``if __name__ == "__main__":``. Numbers do not depend on it.
    what_if : whether parameters are swept, where the suite does.

    Raises
    ------
    InputError : unknown names, or a directory of another definition.
    """
    from evaluation.benchmark.bench import run_suite
    from evaluation.benchmark.runner import Selection
    from evaluation.benchmark.subjects import TRUTH, give, identity, subject
    from evaluation.benchmark.suites import suite_named
    from worldsim.rollout import software_versions
    from worldsim.run_directory import BENCH_OUTPUTS, RunDirectory

    chosen = suite_named(suite, seed)
    known = {block.scenario for block in chosen.blocks}
    unknown = set(scenarios) - known
    if unknown:
        raise InputError(f"suite {chosen.id} has no scenario {sorted(unknown)[0]!r}; it has "
                         f"{', '.join(sorted(known))}")
    name = model if isinstance(model, str) else give(model)
    if name != TRUTH:
        subject(name)
    definition = {
        "suite": chosen.id, "suite_seed": chosen.seed, "suite_digests": chosen.digests(),
        "model": name, "model_identity": identity(name), "limit": limit,
        "scenarios": list(scenarios), "what_if": what_if,
    }
    run = RunDirectory.claim(Path(out), definition, BENCH_OUTPUTS)
    if not (run.path / "report.html").is_file():
        with run.opened(f"worldsim.bench({name!r}, {suite!r})", software_versions()):
            run_suite(chosen, name, Selection(limit, tuple(scenarios)), run, workers=workers or 1,
                      stages=_Quiet, what_if=what_if, command=f"worldsim.bench({name!r}, ...)")
    return BenchResult.load(out)
