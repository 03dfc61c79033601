"""``python -m evaluation.learned``: measure a learned world model, and write the tables."""

from __future__ import annotations

import argparse
import json
import shlex
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from evaluation.learned import few_steps, gravity, shuffles, streaming
from evaluation.learned.agreement import shows_against_says
from evaluation.learned.asking import (
    CONTEXT,
    examined,
    frozen,
    mean_in_words,
    position_errors,
    ratio,
    ratio_in_words,
)
from worldsim.atomic import written_whole
from worldsim.errors import InputError, run_program
from worldsim.model_registry import load_model
from worldsim.splits import Split

RIGID = ("free_fall", "projectile", "balls_in_box", "collision", "collisions", "incline",
         "occlusion", "pendulum", "double_pendulum", "spring_mass", "seesaw", "gyroscope",
         "dominoes", "tower")

PARTS = ("skill", "steps", "shuffles", "gravity", "streaming")


def skill(model: Any, cases: int) -> dict[str, Any]:
    """First second of every scenario of rigid bodies: errors in range and out of it, the frozen
    picture's, and whether what is shown agrees with what is said."""
    found = {}
    for name in RIGID:
        one = examined(name, cases)
        answer = model.rollout(one.question)
        errors = position_errors(answer, one)
        still = frozen(one)
        outside = examined(name, cases, Split.OUTSIDE)
        errors_outside = position_errors(model.rollout(outside.question), outside)
        still_outside = frozen(outside)
        found[name] = {
            "error": mean_in_words(errors), "frozen": mean_in_words(still),
            "of_frozen": ratio(errors, still), "outside": mean_in_words(errors_outside),
            "outside_of_frozen": ratio(errors_outside, still_outside),
            "shows_against_says": (mean_in_words(shows_against_says(answer, CONTEXT)[:, 0])
                                   if "said" in answer else "says nothing"),
        }
    return found


def shuffled(model: Any, cases: int) -> dict[str, Any]:
    """What shuffles of laws and of pushes cost."""
    costs = {f"laws of {name}": shuffles.parameters(model, name, cases)
             for name in shuffles.LAWS}
    costs["pushes in free_fall"] = shuffles.pushes(model, max(2, cases // 2))
    return {name: {"right": mean_in_words(cost.right), "wrong": mean_in_words(cost.wrong),
                   "simulator": mean_in_words(cost.simulated), "share": round(cost.share, 3)}
            for name, cost in costs.items()}


def written(results: dict[str, Any]) -> str:
    """The tables."""
    lines = [f"# The learned world model `{results['model']}`, measured", "",
             f"`{results['command']}`", "",
             f"Weights {results['sha256'][:12]}; sampler {results['sampler']}; {results['cases']} "
             "cases of each scenario that no training has met, 95% intervals over cases. Errors "
             "are mean distances, in metres, between where objects are seen in the dreamed video "
             "and where they are, in the second after 5 known frames.", ""]
    if "skill" in results:
        lines += ["## The first second", "",
                  "| scenario | error | the frozen picture's | ratio | outside the training range: "
                  "ratio | shows against says |", "|---|---|---|---|---|---|"]
        lines += [f"| {name} | {row['error']} | {row['frozen']} | "
                  f"{ratio_in_words(row['of_frozen'])} | "
                  f"{ratio_in_words(row['outside_of_frozen'])} | {row['shows_against_says']} |"
                  for name, row in results["skill"].items()]
    if "steps" in results:
        lines += ["", "## Fewer evaluations", "", "| evaluations | error over that at 32 |",
                  "|---:|---|"]
        lines += [f"| {steps} | {ratio_in_words(row)} |"
                  for steps, row in results["steps"].items()]
    if "shuffles" in results:
        lines += ["", "## Told wrongly", "",
                  "Share: rise of the model's error over the rise of the simulator's under the "
                  "same shuffle.", "",
                  "| shuffled | told rightly | told wrongly | the simulator told wrongly | share |",
                  "|---|---|---|---|---:|"]
        lines += [f"| {name} | {row['right']} | {row['wrong']} | {row['simulator']} | "
                  f"{row['share']:.2f} |" for name, row in results["shuffles"].items()]
    if "gravity" in results:
        found = results["gravity"]
        levels = " | ".join(f"{level:g}" for level in found["levels"])
        lines += ["", "## Effective gravity", "", f"| set, m/s2 | {levels} | slope | "
                  "largest deviation |", "|---|" + "---|" * (len(found["levels"]) + 2)]
        lines += [f"| {name} | " + " | ".join(f"{v:.2f}" for v in found[name]["by_level"])
                  + f" | {found[name]['slope']:.2f} | {found[name]['relative_error']:.0%} |"
                  for name in ("seen", "said", "true")]
    if "streaming" in results:
        found = results["streaming"]
        lines += ["", "## Streaming", "",
                  f"{found['scenario']} at {found['size'][0]}x{found['size'][1]} px, one member, "
                  f"{found['evaluations_per_group']} evaluations per {found['frames_per_group']} "
                  f"frames, {found['threads']} threads: **{found['frames_per_second']:.0f} "
                  f"frames/s** (slowest group {found['slowest_group_s']:.2f} s). Numbers "
                  f"remembered after 10 groups {found['numbers_remembered']['after_10_groups']:,}, "
                  f"after {found['frames']} frames "
                  f"{found['numbers_remembered']['at_the_end']:,}. Coloured share of the picture "
                  f"by frame: {found['coloured_share']}; motion (mean change of a channel per "
                  f"frame, of 255): {found['motion']}."]
    return "\n".join(lines) + "\n"


def main(args: Sequence[str]) -> int:
    """Measure what is asked for."""
    parser = argparse.ArgumentParser(prog="python -m evaluation.learned",
                                     description="Measure a learned world model.")
    parser.add_argument("--model", default="worldsim-many")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--cases", type=int, default=16)
    parser.add_argument("--only", default="", help=f"of {', '.join(PARTS)}, with commas")
    options = parser.parse_args(args)
    wanted = options.only.split(",") if options.only else list(PARTS)
    unknown = [part for part in wanted if part not in PARTS]
    if unknown or options.cases < 2:
        raise InputError(f"--only {options.only}: choose of {', '.join(PARTS)}" if unknown
                         else "--cases: give at least 2")
    import torch

    model: Any = load_model(options.model)
    results: dict[str, Any] = {
        "model": options.model, "sha256": model.sha256, "cases": options.cases,
        "sampler": f"{model.config.sampler.steps} steps",
        "command": "python -m evaluation.learned " + shlex.join(args)}
    parts: dict[str, Callable[[], Any]] = {
        "skill": lambda: skill(model, options.cases),
        "steps": lambda: few_steps.measure(model, min(options.cases, 8)),
        "shuffles": lambda: shuffled(model, options.cases),
        "gravity": lambda: gravity.measure(model, min(options.cases, 8)),
        "streaming": lambda: streaming.measure(model) | {"threads": torch.get_num_threads()},
    }
    for part in wanted:
        print(f"{part} ...", flush=True)
        results[part] = parts[part]()
    options.out.mkdir(parents=True, exist_ok=True)
    with written_whole(options.out / "results.json") as path:
        path.write_text(json.dumps(results, indent=1, default=float) + "\n")
    with written_whole(options.out / "README.md") as path:
        path.write_text(written(results))
    print(f"wrote {options.out / 'README.md'}")
    return 0


if __name__ == "__main__":
    run_program(main)
