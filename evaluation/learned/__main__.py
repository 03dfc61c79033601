"""``python -m evaluation.learned``: measure a learned world model, and write the tables.

Parts that were measured before, of the same weights and cases, stay in them.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import shlex
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from evaluation.learned import few_steps, gravity, shapes, shuffles, skill, streaming
from evaluation.learned.asking import mean_in_words, ratio_in_words
from worldsim.atomic import written_whole
from worldsim.diffusion.checkpoint import CONFIG
from worldsim.diffusion.model import VideoDiffusion, checkpoint_directory
from worldsim.errors import InputError, run_program
from worldsim.model_registry import load_model

PARTS = ("skill", "steps", "shapes", "shuffles", "gravity", "streaming")


def shuffled(model: Any, cases: int) -> dict[str, Any]:
    """What shuffles of laws and of pushes cost."""
    costs = {f"laws of {name}": shuffles.parameters(model, name, cases)
             for name in shuffles.LAWS}
    costs["pushes in free_fall"] = shuffles.pushes(model, max(2, cases // 2))
    return {name: {"right": mean_in_words(cost.right), "wrong": mean_in_words(cost.wrong),
                   "simulator": mean_in_words(cost.simulated), "share": round(cost.share, 3)}
            for name, cost in costs.items()}


def skill_in_words(found: dict[str, Any]) -> list[str]:
    """The tables of the first second."""
    lines = ["## The first second", "", "Ratios of the model's error to those of plain guesses, "
             "which are given true positions. Floor: the error of the true film, seen the same.",
             "", "| scenario | error | floor | over frozen | over constant velocity | "
             "over climatology | outside the training range: over frozen | shows against says |",
             "|---|---|---|---|---|---|---|---|"]
    rows = found["scenarios"]
    lines += [f"| {name} | {row['error']} | {row['floor']} | "
              f"{ratio_in_words(row['of_frozen'])} | "
              f"{ratio_in_words(row['of_constant_velocity'])} | "
              f"{ratio_in_words(row['of_climatology'])} | "
              f"{ratio_in_words(row['outside_of_frozen'])} | {row['shows_against_says']} |"
              for name, row in rows.items()]
    lines += ["", "Velocities seen, before the first contact:", "",
              "| scenario | error | over the parse floor |", "|---|---|---|"]
    lines += [f"| {name} | {row['velocity']} | {ratio_in_words(row['velocity_of_parse_floor'])} |"
              for name, row in rows.items() if "velocity" in row]
    beyond = found["out_of_range"]
    if beyond:
        lines += ["", "How errors grow with the answer's `out_of_range`, in units of the error in "
                  f"range (rank correlation {beyond['rank_correlation']:.2f}, "
                  f"p = {beyond['p']:.2g}):", "", "| out_of_range | cases | error over in range |",
                  "|---|---:|---|"]
        lines += [f"| {one['from']:g} to {one['to']:g} | {one['cases']} | "
                  + ("" if one["growth"] is None else f"{one['growth']:.2f}")
                  + ("" if one["low"] is None else f" [{one['low']:.2f}, {one['high']:.2f}]")
                  + " |" for one in beyond["bins"]]
        lines += ["", "Of every other case, observed over what the table of the others lets "
                  f"expect: {ratio_in_words(beyond['observed_over_expected'])}."]
    return lines


def written(results: dict[str, Any]) -> str:
    """The tables."""
    lines = [f"# The learned world model `{results['model']}`, measured", "",
             *(f"`{command}`" + "  " for command in results["commands"]), "",
             f"Weights {results['sha256'][:12]}; sampler {results['sampler']}; {results['cases']} "
             "cases of each scenario that no training has met, 95% intervals over cases. Errors "
             "are mean distances, in metres, between where objects are seen in the dreamed video "
             "and where they are, in the second after 5 known frames.", ""]
    if "skill" in results:
        lines += skill_in_words(results["skill"])
    if "steps" in results:
        lines += ["", "## Fewer evaluations", "", "| evaluations | error over that at 32 |",
                  "|---:|---|"]
        lines += [f"| {steps} | {ratio_in_words(row)} |"
                  for steps, row in results["steps"].items()]
    if "shapes" in results:
        lines += ["", "## Other rates and aspect ratios", "",
                  "In the second after five known frames; trained are 20 frames/s, 1:1.", "",
                  "| asked | error over frozen | shows against says |", "|---|---|---|"]
        lines += [f"| {name} | {ratio_in_words(row['of_frozen'])} | "
                  + ("says nothing" if row["shows_against_says_m"] is None
                     else f"{row['shows_against_says_m']:.4f} m") + " |"
                  for name, row in results["shapes"].items()]
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


def beside(results: dict[str, Any], path: Path) -> dict[str, Any]:
    """Results with the other parts that were measured before, of the same weights and cases."""
    if not path.is_file():
        return results
    before = json.loads(path.read_text())
    if "commands" not in before or any(  # of an earlier layout, or of other weights
            before.get(name) != results[name] for name in ("sha256", "cases", "sampler")):
        return results
    commands = [*before["commands"], *results["commands"]]
    return before | results | {"commands": list(dict.fromkeys(commands))}


def main(args: Sequence[str]) -> int:
    """Measure what is asked for."""
    parser = argparse.ArgumentParser(prog="python -m evaluation.learned",
                                     description="Measure a learned world model.")
    parser.add_argument("--model", default="worldsim-small")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--cases", type=int, default=16)
    parser.add_argument("--only", default="", help=f"of {', '.join(PARTS)}, with commas")
    parser.add_argument("--calibrate", action="store_true",
                        help="put how errors grow outside the ranges into the checkpoint")
    options = parser.parse_args(args)
    wanted = options.only.split(",") if options.only else list(PARTS)
    unknown = [part for part in wanted if part not in PARTS]
    if unknown or options.cases < 2:
        raise InputError(f"--only {options.only}: choose of {', '.join(PARTS)}" if unknown
                         else "--cases: give at least 2")
    if options.calibrate and "skill" not in wanted:
        raise InputError("--calibrate needs the part skill; add it to --only")
    if options.calibrate and not (checkpoint_directory(options.model) / CONFIG).is_file():
        raise InputError(f"--calibrate: {options.model} is not a checkpoint")
    import torch

    model: Any = load_model(options.model)
    results: dict[str, Any] = {
        "model": options.model, "sha256": model.sha256, "cases": options.cases,
        "sampler": sampler_in_words(model),
        "commands": ["python -m evaluation.learned " + shlex.join(args)]}
    parts: dict[str, Callable[[], Any]] = {
        "skill": lambda: skill.measure(model, options.cases),
        "steps": lambda: few_steps.measure(model, min(options.cases, 8)),
        "shapes": lambda: shapes.measure(model, min(options.cases, 8)),
        "shuffles": lambda: shuffled(model, options.cases),
        "gravity": lambda: gravity.measure(model, min(options.cases, 8)),
        "streaming": lambda: streaming.measure(model) | {"threads": torch.get_num_threads()},
    }
    for part in wanted:
        print(f"{part} ...", flush=True)
        results[part] = parts[part]()
    results = beside(results, options.out / "results.json")
    options.out.mkdir(parents=True, exist_ok=True)
    with written_whole(options.out / "results.json") as path:
        path.write_text(json.dumps(results, indent=1, default=float) + "\n")
    with written_whole(options.out / "README.md") as path:
        path.write_text(written(results))
    print(f"wrote {options.out / 'README.md'}")
    if options.calibrate:
        calibrate(options.model, results["skill"]["out_of_range"])
    return 0


def sampler_in_words(model: VideoDiffusion) -> str:
    """How the scenarios that are measured here are sampled."""
    config = model.config
    steps = {config.sampler_of(config.repertoire.subject(name)).steps for name in skill.RIGID}
    return " or ".join(f"{count} steps" for count in sorted(steps))


def calibrate(source: str, found: dict[str, Any] | None) -> None:
    """Put how errors grow outside the ranges into a checkpoint's configuration.

    Raises
    ------
    InputError : nothing was measured: the answers do not say how far outside they are.
    """
    if not found:
        raise InputError(f"{source} does not say how far outside its ranges it answers")
    path = checkpoint_directory(source) / CONFIG
    fields = json.loads(path.read_text())
    fields["growth"] = [dataclasses.asdict(row) for row in skill.growth_table(found["bins"])]
    with written_whole(path) as partial:
        partial.write_text(json.dumps(fields) + "\n")
    print(f"wrote {path}")


if __name__ == "__main__":
    run_program(main)
