"""``python -m evaluation.physics_iq``: the Physics-IQ scores of a folder of generated videos.

Original and Verified, as published, against a folder of real takes, two per case and view. Needs
OpenCV (``pip install opencv-python-headless``) and ffmpeg.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from evaluation.physics_iq.folder import FolderScore, evaluate_folder
from worldsim.atomic import written_whole
from worldsim.errors import InputError, run_program


def _options(args: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m evaluation.physics_iq",
        description="Physics-IQ scores, original and Verified, of a folder of generated videos.",
    )
    parser.add_argument("--real", type=Path, required=True, metavar="DIR",
                        help="the data set's folder, or that of its real takes")
    parser.add_argument("--generated", type=Path, required=True, metavar="DIR",
                        help="generated videos 0001_anything.mp4, one per case, 5 s each")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all cases there")
    return parser.parse_args(args)


def _report(score: FolderScore) -> str:
    rows: list[tuple[str, ...]] = [
        ("", "spatial IoU", "spatiotemporal IoU", "weighted spatial IoU", "MSE")]
    for name, four in (("dreams", score.dream), ("second takes", score.variance),
                       ("Verified ratio", score.parts)):
        rows.append((name, *(f"{value:.4f}" for value in (
            four.spatial, four.spatiotemporal, four.weighted_spatial, four.mse))))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    table = ["  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True))
             for row in rows]
    return "\n".join([
        *table, "",
        f"Physics-IQ (original)  {score.original:6.2f} of 100 "
        f"({score.original_rounded:.2f} with the first program's roundings)",
        f"Physics-IQ Verified    {score.verified:6.2f} of 100",
        f"{len(score.cases)} cases at {score.fps} frames/s, {score.failed} failed and counted",
        *score.notes,
    ])


def main(args: Sequence[str]) -> int:
    """Score, print, and write what was asked for."""
    options = _options(args)
    # Of its own complaints none names a file; ours do.
    os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")
    score = evaluate_folder(options.real, options.generated, lambda line: print(line, flush=True))
    for problem in score.problems:
        print(problem, file=sys.stderr)
    print(f"\n{_report(score)}")
    if options.json:
        try:
            with written_whole(options.json) as partial:
                partial.write_text(score.to_json())
        except OSError as error:
            raise InputError(f"cannot write {options.json}: {error.strerror}") from error
        print(options.json)
    return 0


if __name__ == "__main__":
    run_program(main)
