"""``python -m evaluation.long_film``: a dream without rest, streamed, enlarged and written to disk.

The world model streams `balls_in_box` at 16:9, the second stage enlarges every frame to 1920x1080,
and the frames go to an mp4 one by one. Measured are time, the process's largest memory after a
tenth of the film and at its end, and flicker (mean absolute second difference in time) of the small
and of the large film.
"""

from __future__ import annotations

import argparse
import json
import resource
import shlex
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from evaluation.enlarging import Flicker
from evaluation.learned.asking import SEED
from evaluation.reading import reading_of
from worldsim.atomic import written_whole
from worldsim.diffusion.model import VideoDiffusion
from worldsim.diffusion.upsampling import Upsampler
from worldsim.errors import InputError, run_program
from worldsim.model_registry import load_model
from worldsim.query import Query, query
from worldsim.scenario import scenario_class
from worldsim.simulator.world import simulate
from worldsim.splits import Split, draw
from worldsim.video_file import write_mp4

SCENE = "balls_in_box"
SMALL, LARGE = (64, 114), (1080, 1920)
KNOWN = 5


def asked(fps: float) -> Query:
    """The first frames of one held-out case, filmed at 16:9."""
    case = [draw(scenario_class(SCENE), Split.IN_RANGE, SEED, 0)]
    return query(case, context=simulate(case, seed=SEED, duration=1.0), frames=KNOWN, size=SMALL,
                 fps=fps, cameras=(reading_of(SCENE).camera,))


def streamed(model: VideoDiffusion, question: Query, frames: int) -> Iterator[np.ndarray]:
    """Frames (row, column, 3) of a stream of one member."""
    stream = model.start(question)
    camera, made = question.cameras[0], 0
    while made < frames:
        for frame in stream.step()[camera][0, 0][:frames - made]:
            yield frame
            made += 1


def megabytes() -> float:
    """Largest memory of this process so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def measure(model: VideoDiffusion, upsampler: Upsampler, seconds: float, fps: float, film: Path,
            ) -> dict[str, Any]:
    """Dream, enlarge and write."""
    question = asked(fps)
    frames = round(seconds * question.fps)
    small, large = Flicker(), Flicker()
    early = 0.0

    def every() -> Iterator[np.ndarray]:
        nonlocal early
        enlarged = upsampler.frames(small.watch(streamed(model, question, frames)), LARGE)
        for number, frame in enumerate(large.watch(enlarged)):
            yield frame
            if number == frames // 10:
                early = megabytes()

    began = time.perf_counter()
    write_mp4(film, every(), question.fps)
    took = time.perf_counter() - began
    return {
        "scenario": SCENE, "frames": frames, "fps": question.fps, "small": SMALL, "large": LARGE,
        "seconds_per_frame": took / frames, "threads": torch.get_num_threads(),
        "largest_memory_MB": {"after a tenth": round(early), "at the end": round(megabytes())},
        "flicker_levels": {"small": small.mean, "large": large.mean},
        "film_MB": film.stat().st_size / 1e6,
    }


def main(args: Sequence[str]) -> int:
    """Measure and write."""
    parser = argparse.ArgumentParser(prog="python -m evaluation.long_film", description=(
        "A dream without rest at 1920x1080, streamed to disk."))
    parser.add_argument("--model", default="worldsim-small")
    parser.add_argument("--upsampler", default="worldsim-small")
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--fps", type=float, default=scenario_class(SCENE).fps)
    parser.add_argument("--film", type=Path, required=True, help="the mp4 to write")
    parser.add_argument("--out", type=Path, required=True, help="folder of the record")
    options = parser.parse_args(args)
    if not options.seconds >= 1 or not 1 <= options.fps <= 100:
        raise InputError("--seconds: give at least 1; --fps: give 1 to 100")
    model = load_model(options.model)
    if not isinstance(model, VideoDiffusion):
        raise InputError(f"--model {options.model}: give a checkpoint")
    upsampler = Upsampler.from_pretrained(options.upsampler)
    options.film.parent.mkdir(parents=True, exist_ok=True)
    found = measure(model, upsampler, options.seconds, options.fps, options.film)
    result = {"command": "python -m evaluation.long_film " + shlex.join(args),
              "sha256": model.sha256, "upsampler_sha256": upsampler.sha256, **found}
    options.out.mkdir(parents=True, exist_ok=True)
    with written_whole(options.out / "results.json") as path:
        path.write_text(json.dumps(result, indent=1) + "\n")
    with written_whole(options.out / "README.md") as path:
        path.write_text(_in_words(result))
    print(f"wrote {options.film} and {options.out / 'README.md'}")
    return 0


def _in_words(result: dict[str, Any]) -> str:
    memory, flicker = result["largest_memory_MB"], result["flicker_levels"]
    (rows, columns), (high, wide) = result["small"], result["large"]
    return "\n".join([
        "# A long film at 1920x1080, streamed to disk", "",
        f"`{result['command']}`", "",
        f"Weights {result['sha256'][:12]}, upsampler {result['upsampler_sha256'][:12]}. "
        f"{result['frames']} frames ({result['frames'] / result['fps']:g} s at "
        f"{result['fps']:g} frames/s) of {result['scenario']} were streamed at {columns}x{rows}, "
        f"enlarged to {wide}x{high} and written to an mp4 of {result['film_MB']:.1f} MB.", "",
        f"- {result['seconds_per_frame']:.2f} s per frame, dreaming, enlarging and encoding, on "
        f"{result['threads']} threads.",
        f"- Largest memory of the process: {memory['after a tenth']} MB after a tenth of the film, "
        f"{memory['at the end']} MB at its end.",
        f"- Flicker (mean absolute second difference): {flicker['small']:.3f} levels small, "
        f"{flicker['large']:.3f} large.", ""])


if __name__ == "__main__":
    run_program(main)
