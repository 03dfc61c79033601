"""``worldsim bench explain``: where an error leaves the floor, in one case and metric."""

from __future__ import annotations

import dataclasses
import json
import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import tyro

from worldsim.cli.flags import WIDTH, parse
from worldsim.errors import InputError

VERB = "worldsim bench explain"


@dataclasses.dataclass(frozen=True)
class Options:
    run: Annotated[tyro.conf.Positional[Path], tyro.conf.arg(metavar="RUN")]
    """Directory of a finished `worldsim bench run`."""
    case: Annotated[tyro.conf.Positional[str], tyro.conf.arg(metavar="CASE")]
    """A case's name, as in the report: free_fall-in_range-0003."""
    metric: Annotated[tyro.conf.Positional[str], tyro.conf.arg(metavar="METRIC")]
    """A metric's name: trajectory.position_crps."""
    out: Annotated[Path | None, tyro.conf.arg(metavar="FILE.png")] = None
    """The picture; CASE-METRIC.png in the current folder by default, none with --json."""
    realization: Annotated[int | None, tyro.conf.arg(metavar="N")] = None
    """Only this realization of dream and truth; all by default."""
    json: bool = False
    """Print everything as JSON; a picture is drawn if --out says where."""


def main(args: Sequence[str]) -> int:
    """Explain: words on the terminal, and a picture."""
    options = parse(Options, args, command=VERB, description=(
        "Show where a model's error leaves the floor: truth and dream in step with what was "
        "measured drawn in, and the error beside the floor and the baselines. The kept dream is "
        "read again; the truth comes from the cache or is simulated again."))
    out = options.out or Path(f"{options.case}-{options.metric}.png")
    if out.suffix.lower() != ".png":
        raise InputError(f"--out {out}: give a file that ends in .png")
    from evaluation.benchmark.explain import explain
    from evaluation.benchmark.explain_json import explanation_data
    from evaluation.benchmark.explain_words import words
    from evaluation.benchmark.report.stored import read_run

    found = explain(read_run(options.run), options.case, options.metric, options.realization)
    sentences = words(found)
    drawn = None
    wanted = options.out is not None or not options.json
    if wanted and found.curves is not None and found.sample is not None:
        from evaluation.benchmark.explain_picture import draw

        draw(found, out, sentences[0])
        drawn = out
    if options.json:
        print(json.dumps(explanation_data(found, sentences, drawn), indent=1, allow_nan=False))
        return 0
    for sentence in sentences:
        print(textwrap.fill(sentence, WIDTH, subsequent_indent="  ", break_on_hyphens=False))
    if drawn is not None:
        print(f"picture: {drawn}")
    return 0
