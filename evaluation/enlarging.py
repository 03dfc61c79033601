"""``python -m evaluation.enlarging``: the second stage against bicubic interpolation.

Held-out cases of the simulator are filmed small and large; the small films are enlarged by what was
learned and by bicubic interpolation, and held against the large ones: peak signal-to-noise ratio of
the pixels, error of the positions that the instruments read off, and flicker (mean absolute second
difference in time). Seconds per frame are those of 1920x1080.
"""

from __future__ import annotations

import argparse
import json
import shlex
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
import xarray as xr

from evaluation.bootstrap import mean_interval
from evaluation.learned.asking import mean_judged
from evaluation.objects import objects_state, objects_video
from evaluation.reading import reading_of
from worldsim.atomic import written_whole
from worldsim.camera import render
from worldsim.diffusion.upsampling import Upsampler
from worldsim.errors import InputError, run_program
from worldsim.scenario import scenario_class
from worldsim.simulator.world import simulate
from worldsim.splits import Purpose, Split, draw, seed_for

SCENARIOS = ("free_fall", "projectile", "collision", "pendulum", "seesaw", "occlusion")
SIDE, FACTOR = 64, 4
LARGE = (1080, 1080)
SECONDS = 1.0
SEED = seed_for(Purpose.VALIDATION, 23)


def bicubic(film: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Frames (…, row, column, 3) uint8 interpolated to `size`."""
    flat = torch.from_numpy(film.reshape(-1, *film.shape[-3:])).permute(0, 3, 1, 2).float()
    large = F.interpolate(flat, size=size, mode="bicubic", align_corners=False)
    found = large.round().clamp(0, 255).to(torch.uint8).permute(0, 2, 3, 1).numpy()
    return np.asarray(found.reshape(*film.shape[:-3], *size, 3))


def learned(upsampler: Upsampler, film: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """The same by the second stage."""
    frames = list(upsampler.frames(film.reshape(-1, *film.shape[-3:]), size))
    return np.stack(frames).reshape(*film.shape[:-3], *size, 3)


def psnr(found: np.ndarray, true: np.ndarray) -> np.ndarray:
    """(case,) dB over all that follows the first dimension."""
    error = np.square(found.astype(np.float32) - true)
    mean = error.reshape(len(error), -1).mean(axis=1)
    return np.asarray(10 * np.log10(255**2 / np.maximum(mean, 1e-9)))


class Flicker:
    """Mean absolute second difference in time of frames that pass by, in levels."""

    def __init__(self) -> None:
        self.last: list[np.ndarray] = []
        self.each: list[float] = []

    def watch(self, frames: Iterator[np.ndarray]) -> Iterator[np.ndarray]:
        """Hand on frames; three are remembered."""
        for frame in frames:
            self.last = [*self.last[-2:], frame.astype(np.int16)]
            if len(self.last) == 3:
                a, b, c = self.last
                self.each.append(float(np.abs(c - 2 * b + a).mean()))
            yield frame

    @property
    def mean(self) -> float:
        return float(np.mean(self.each))


def flicker(films: np.ndarray) -> np.ndarray:
    """(case,) levels, of films (case, time, …)."""
    found = []
    for film in films:
        watched = Flicker()
        for _ in watched.watch(iter(film)):
            pass
        found.append(watched.mean)
    return np.array(found)


def parse_errors(film: np.ndarray, objects: xr.Dataset, fps: float, height_m: float) -> np.ndarray:
    """(case,) m: mean distance between objects seen in (case, time, row, column, 3) and true."""
    video = xr.Dataset(
        {"rgb": (("case", "realization", "time", "row", "column", "channel"), film[:, None])},
        coords={"time": np.arange(film.shape[1]) / fps, "case": objects["case"].values,
                "realization": objects["realization"].values[:1]})
    seen = objects_video(video, objects, 1, height_m)["objects"]["position"].values
    error = np.linalg.norm(seen - objects["position"].values[:, :1], axis=-1)
    return mean_judged(error, objects)


def scenario_record(name: str, upsampler: Upsampler, cases: int) -> dict[str, np.ndarray]:
    """Everything measured of one scenario, by case."""
    cls = scenario_class(name)
    reading = reading_of(name)
    drawn = [draw(cls, Split.IN_RANGE, SEED, case) for case in range(cases)]
    truth = simulate(drawn, seed=SEED, duration=SECONDS)
    films = {size: render(truth, reading.camera, size=(size, size), fps=cls.fps)["rgb"].values[:, 0]
             for size in (SIDE, FACTOR * SIDE)}
    small, true = films[SIDE], films[FACTOR * SIDE]
    size = true.shape[2:4]
    made = {"learned": learned(upsampler, small, size), "bicubic": bicubic(small, size)}
    at = np.arange(true.shape[1]) / cls.fps
    objects = objects_state(truth, reading.camera, size, at)["objects"]
    found = {"flicker_true": flicker(true),
             "parse_true": parse_errors(true, objects, cls.fps, reading.height_m)}
    for kind, film in made.items():
        found[f"psnr_{kind}"] = psnr(film, true)
        found[f"parse_{kind}"] = parse_errors(film, objects, cls.fps, reading.height_m)
        found[f"flicker_{kind}"] = flicker(film)
    last = render(truth, reading.camera, size=LARGE, fps=1.0)["rgb"].values[:, 0, -1]
    first = render(truth, reading.camera, size=(SIDE, SIDE), fps=1.0)["rgb"].values[:, 0, -1]
    found["psnr_1080_learned"] = psnr(learned(upsampler, first, LARGE), last)
    found["psnr_1080_bicubic"] = psnr(bicubic(first, LARGE), last)
    return found


def seconds_per_frame(upsampler: Upsampler, frames: int = 5) -> list[float]:
    """s of frames of 1920x1080 from 114x64."""
    rng = np.random.default_rng(0)
    small = rng.integers(0, 256, (frames + 1, 64, 114, 3), np.uint8)
    taken = []
    for frame in small:
        began = time.perf_counter()
        upsampler.frame(frame, (1080, 1920))
        taken.append(time.perf_counter() - began)
    return taken[1:]


def compared(a: np.ndarray, b: np.ndarray) -> dict[str, Any]:
    """Mean of a - b over cases with its 95% interval."""
    gap = (a - b)[np.isfinite(a - b)]
    interval = mean_interval(gap)
    return {"mean": float(gap.mean()), "low": interval.low, "high": interval.high,
            "cases": len(gap)}


def main(args: Sequence[str]) -> int:
    """Measure and write."""
    parser = argparse.ArgumentParser(prog="python -m evaluation.enlarging",
                                     description="The second stage against bicubic interpolation.")
    parser.add_argument("--model", default="worldsim-small")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--cases", type=int, default=4, help="of each scenario")
    options = parser.parse_args(args)
    if options.cases < 2:
        raise InputError("--cases: give at least 2")
    upsampler = Upsampler.from_pretrained(options.model)
    seconds = seconds_per_frame(upsampler)
    rows = {}
    for name in SCENARIOS:
        print(f"{name} ...", flush=True)
        rows[name] = scenario_record(name, upsampler, options.cases)
    every = {key: np.concatenate([row[key] for row in rows.values()])
             for key in next(iter(rows.values()))}
    result = {
        "command": "python -m evaluation.enlarging " + shlex.join(args),
        "sha256": upsampler.sha256, "training": upsampler.config.training,
        "threads": torch.get_num_threads(), "seconds_per_frame_1080": seconds,
        "psnr_gain_dB": compared(every["psnr_learned"], every["psnr_bicubic"]),
        "psnr_gain_1080_dB": compared(every["psnr_1080_learned"], every["psnr_1080_bicubic"]),
        "parse_change_m": compared(every["parse_learned"], every["parse_bicubic"]),
        "means": {key: float(np.nanmean(values)) for key, values in every.items()},
        "flicker_over_true": float(np.nanmean(every["flicker_learned"])
                                   / np.nanmean(every["flicker_true"])),
        "scenarios": {name: {key: float(np.nanmean(values)) for key, values in row.items()}
                      for name, row in rows.items()},
    }
    options.out.mkdir(parents=True, exist_ok=True)
    with written_whole(options.out / "results.json") as path:
        path.write_text(json.dumps(result, indent=1) + "\n")
    with written_whole(options.out / "README.md") as path:
        path.write_text(_in_words(result))
    print(f"wrote {options.out / 'README.md'}")
    return 0


def _in_words(result: dict[str, Any]) -> str:
    def gap(key: str, unit: str) -> str:
        one = result[key]
        inner = "" if one["low"] is None else f" [{one['low']:.3g}, {one['high']:.3g}]"
        return f"{one['mean']:.3g}{inner} {unit} ({one['cases']} cases)"

    means, seconds = result["means"], result["seconds_per_frame_1080"]
    lines = [
        "# Enlarging videos: the learned second stage against bicubic interpolation", "",
        f"`{result['command']}`", "",
        f"Weights {result['sha256'][:12]}; held-out cases of {', '.join(result['scenarios'])}, "
        f"filmed at {SIDE} and {FACTOR * SIDE} px for {SECONDS:g} s, and once at {LARGE[0]} px; "
        "95% intervals over cases.", "",
        "| what | learned minus bicubic |", "|---|---|",
        f"| PSNR, {SIDE} to {FACTOR * SIDE} px | {gap('psnr_gain_dB', 'dB')} |",
        f"| PSNR, {SIDE} to {LARGE[0]} px | {gap('psnr_gain_1080_dB', 'dB')} |",
        f"| error of positions read off | {gap('parse_change_m', 'm')} |", "",
        f"Positions read off: {means['parse_learned']:.4f} m learned, "
        f"{means['parse_bicubic']:.4f} m bicubic, {means['parse_true']:.4f} m of the film at full "
        "size. Flicker: "
        f"{means['flicker_learned']:.3f} levels learned, {means['flicker_bicubic']:.3f} bicubic, "
        f"{means['flicker_true']:.3f} true ({result['flicker_over_true']:.2f} times). "
        f"A frame of 1920x1080 from 114x64 takes {np.median(seconds):.2f} s "
        f"({min(seconds):.2f} to {max(seconds):.2f}) on {result['threads']} threads.", "",
        "| scenario | PSNR learned | bicubic | positions learned, m | bicubic |",
        "|---|---|---|---|---|",
    ]
    lines += [f"| {name} | {row['psnr_learned']:.2f} | {row['psnr_bicubic']:.2f} | "
              f"{row['parse_learned']:.4f} | {row['parse_bicubic']:.4f} |"
              for name, row in result["scenarios"].items()]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    run_program(main)
