"""``python -m evaluation.benchmark.lock``: publish the suites as they are now.

Writes the digests of every suite's definition and of the code of its data, instruments and metrics
to ``suites.json``. A version that results were published under is never written again: raise the
version in `evaluation.benchmark.suites` and say so under "Scores change:" in the changelog.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

from evaluation.benchmark.suites import LOCK, SUITES
from worldsim.atomic import written_whole
from worldsim.errors import run_program

FILE = Path(__file__).with_name(LOCK)


def main(args: Sequence[str]) -> int:
    """Write the lock."""
    parser = argparse.ArgumentParser(prog="python -m evaluation.benchmark.lock",
                                     description="Publish the suites as they are now.")
    parser.parse_args(args)
    content = {suite.id: suite.digests() for suite in SUITES.values()}
    with written_whole(FILE) as beside:
        beside.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    print(FILE)
    return 0


if __name__ == "__main__":
    run_program(main)
