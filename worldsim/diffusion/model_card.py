"""The model card and the training curve that travel with a checkpoint."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from worldsim.diffusion.checkpoint import ModelConfig
from worldsim.diffusion.conditioning import ParameterSpec
from worldsim.diffusion.training_clips import MANY

UNTRAINED: dict[str, Any] = {
    "cases": 0, "held_out_cases": 0, "data_seed": 0, "total_clips": 0, "total_cpu_seconds": 0.0,
    "total_flops": 0.0, "clips": 0, "tokens": 0, "seconds": 0.0, "steps": 0, "seed": 0,
    "precision": "float32", "processor": "none", "earlier": [], "validation": {},
    "verdict": "it was never trained",
}
"""The training record of a network with fresh weights."""


def flattening(curve: list[dict[str, Any]]) -> str:
    """Whether the loss still fell, in words: its change over the last fifth of the clips."""
    points = [(p["clips"], p["loss"]) for p in curve if "loss" in p]
    if len(points) < 20:
        return "too short to say whether the loss had flattened"
    clips, loss = np.array(points).T
    late = clips > 0.8 * clips[-1]
    before = (clips > 0.6 * clips[-1]) & ~late
    if not before.any():
        return "too short to say whether the loss had flattened"
    change = loss[late].mean() / loss[before].mean() - 1
    verdict = "was still falling" if change < -0.03 else "had nearly flattened"
    if change > 0.03:
        verdict = "did not settle: too short or too noisy to say whether it had flattened"
    return (f"the training loss {verdict}: {change:+.1%} from the fourth to the last fifth of the "
            "clips (the learning rate's final fall included)")


def model_card(model: ModelConfig, compact: Sequence[int] = ()) -> str:
    """The README of a checkpoint, in Markdown. compact : as it is saved (`save_checkpoint`)."""
    run = UNTRAINED | model.training
    subjects = model.repertoire.subjects
    scenarios = "\n".join(
        f"| {one.name} {one.version} | {one.size[0]}x{one.size[1]} px, {one.fps:g} frames/s, "
        f"{one.frames / one.fps:g} s | {', '.join(one.cameras)} | "
        f"{', '.join(entity.name for entity in one.entities) or 'none'} |" for one in subjects)
    ranges = "\n".join(
        f"| {one.name}.{spec.name} | {', '.join(spec.choices) or _interval(spec)} |"
        for one in subjects for spec in one.parameters)
    errors = "".join(f"\n| {name} | {value:.4g} |" for name, value in run["validation"].items())
    if errors:
        errors = f"\n| validation, averaged weights | |\n|---|---|{errors}\n"
    earlier = "".join(
        f"- started from weights {one.get('sha256', '')[:12]}: {one.get('clips', 0):,} clips"
        f"{_of_version(one)}, {one.get('cpu_seconds', 0) / 3600:.2f} core-hours\n"
        for one in run["earlier"]
    )
    parameters = sum(p.numel() for p in model.network().parameters())
    known = "one scenario" if len(subjects) == 1 else f"{len(subjects)} scenarios"
    matrices = "".join(f"\nThe matrices of expert {number}'s layers are kept in eight bits."
                       for number in compact)
    return f"""---
license: apache-2.0
tags: [video-diffusion, world-model, physics]
---
# worldsim video diffusion transformer

Dreams what happens in {known} as video and as states of bodies, water and people,
from any known frames, states and parameters. {parameters:,} parameters in bfloat16, those of the
laws of motion in float16. Clips of laws are scenes of states, at most as long as a film.{matrices}

| | |
|---|---|
| cameras | {", ".join(model.repertoire.cameras)} |
| patches | {model.transformer.patches.frames} frames of {model.transformer.patches.patch} px |
| network | width {model.transformer.width}, {model.transformer.layers} layers |
{_experts(model)}

| scenario, version | clips | cameras | entities |
|---|---|---|---|
{scenarios}

## What it was trained on
{run["cases"]} simulated cases (seed {run["data_seed"]}) in the last run,
{run["held_out_cases"]} more to validate.

| parameter | training range |
|---|---|
{ranges}

Outside these ranges it answers, and the answer is marked as extrapolation.

## Compute
{run["total_clips"]:,} clips, {run["total_cpu_seconds"] / 3600:.2f} core-hours and
{run["total_flops"]:.2e} floating-point operations in all; the last run: {run["clips"]:,} clips of
{run["tokens"] / max(run["clips"], 1):.0f} tokens in {run["seconds"] / 60:.0f} minutes,
{run["steps"]:,} steps, training seed {run["seed"]}, {run["precision"]}, on {run["processor"]}.
{earlier}
![training curve](training_curve.png)

Judged by its curve, {run["verdict"]}.
{_averaged(run)}{errors}

## Limits
It has seen these scenarios from these cameras at these sizes and frame rates. Other sizes and rates
are answered through positions in physical units, but were never trained. Text is read by a grammar
(`worldsim.captions`), not learned. What hides between frames or is smaller than a pixel it cannot
know. Debris of towns are its weakest point: where it is unsure of them it paints coloured patches
about their likely places, not crisp discs. Where more than {MANY} bodies move only the first {MANY}
have states. It is a research instrument: do not plan evacuations with it.
"""


def _experts(model: ModelConfig) -> str:
    """How each expert is sampled; of several, of which scenarios they are."""
    rows = []
    for number, sampler in enumerate(model.samplers):
        names = [one.name for one in model.repertoire.subjects if one.expert == number]
        whose = f"expert {number}, of {', '.join(names)}: " if len(model.samplers) > 1 else ""
        rows.append(f"| sampler | {whose}{sampler.steps} steps, shift {sampler.shift:g} |")
    return "\n".join(rows)


def _interval(spec: ParameterSpec) -> str:
    return f"{spec.low:g} to {spec.high:g} {spec.unit}"


def _averaged(run: dict[str, Any]) -> str:
    """What was averaged after the last run (`worldsim.diffusion.averaging`), if anything."""
    if "averaged" not in run:
        return ""
    other = run["averaged"]
    return (f"\nThe weights are the mean of the last run's (share {1 - other['share']:g}) and of "
            f"{other['sha256'][:12]} (share {other['share']:g}), trained on version "
            f"{other['version']} of the scenario, from which it started.\n")


def _of_version(run: dict[str, Any]) -> str:
    """Which version of the scenario a run's clips showed, where its record says so."""
    return f" of scenario version {run['version']}" if "version" in run else ""


def draw_curve(target: Path, curve: list[dict[str, Any]]) -> None:
    """Draw loss and validation errors over clips seen; nothing is drawn for an empty curve."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    points = [p for p in curve if "loss" in p]
    if not points:
        return
    figure = Figure(figsize=(7, 4), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    clips = np.array([p["clips"] for p in points])
    axes.plot(clips, [p["loss"] for p in points], color="0.75", linewidth=0.8)
    width = max(1, len(points) // 50)
    smooth = np.convolve([p["loss"] for p in points], np.ones(width) / width, "valid")
    axes.plot(clips[width - 1:], smooth, label="training loss (moving mean)")
    held = [(p["clips"], p["validation"]["held_out_loss"]) for p in curve if "validation" in p]
    if held:
        axes.plot(*zip(*held, strict=True), "o-", label="held-out cases, averaged weights")
    axes.set(xlabel="clips seen", ylabel="velocity loss", yscale="log")
    axes.legend()
    partial = target.with_name(f".{target.name}")
    figure.savefig(partial, dpi=110, format="png")
    partial.replace(target)


