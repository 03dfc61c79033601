"""``worldsim show``: what a run holds, how it was made, and what is stale."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Annotated, Any

import tyro

from worldsim.cli.flags import parse
from worldsim.run_directory import BENCH_OUTPUTS, OUTPUTS, digest, read_record
from worldsim.scenario import scenario_class


@dataclasses.dataclass(frozen=True)
class Options:
    run: Annotated[tyro.conf.Positional[Path], tyro.conf.arg(metavar="RUN")]
    """The run directory."""


def main(args: Sequence[str]) -> int:
    """Describe a run directory."""
    options = parse(Options, args, command="worldsim show",
                    description="Say what a run holds, how it was made and whether it is stale.")
    record = read_record(options.run)
    definition = record["definition"]
    print(f"run         {options.run}, begun {record['begun']}")
    for name, value in definition.items():
        print(f"{name:<11} {_in_words(value)}".rstrip())
    for stage, facts in record["stages"].items():
        print(f"stage       {stage}: {facts['seconds']:.1f} s, finished {facts['finished']}")
    outputs = BENCH_OUTPUTS if "suite" in definition else OUTPUTS
    missing = [name for name in outputs if not (options.run / name).exists()]
    print(f"holds       {', '.join(name for name in outputs if name not in missing) or 'nothing'}")
    if "suite" in definition:
        for reason in bench_staleness(record):
            print(f"stale       {reason}")
        print(f"repeat      {record['command']}")
        return 0
    if missing and "model" in definition:
        print(f"not there   {', '.join(missing)}")
    if "truth.zarr" not in missing:
        for line in _audit(options.run / "truth.zarr"):
            print(f"audit       {line}")
    if "truth.zarr" not in missing and "truth_outcomes.nc" not in missing:
        for line in _outcomes(options.run):
            print(f"outcome     {line}")
    for reason in staleness(record):
        print(f"stale       {reason}")
    print(f"repeat      {record['command']}")
    return 0


def _audit(truth: Path) -> list[str]:
    """Whether the books of the truth close, and which members failed."""
    from worldsim.rollout import open as open_rollout
    from worldsim.simulator.audit_record import ERRORS, failed_members

    with open_rollout(truth) as rollout:
        if "audit" not in rollout.children:
            return ["none: this truth was not made by worldsim's simulator"]
        audit = rollout["audit"].dataset
        books = {name: name.removesuffix("_error").removesuffix("_gain").replace("_", " ")
                 for name in (*ERRORS, "penetration") if name in audit}
        worst = ", ".join(f"{book} {float(audit[name].max()):.0e}" for name, book in books.items())
        failed = failed_members(rollout)
        return [f"{len(failed)} of {audit['failed'].size} members failed", *failed, worst]


def _outcomes(run: Path) -> list[str]:
    """What happens in the truth, and how sure that is, in the words of the report."""
    from evaluation.report import decision, evidence
    from evaluation.report.outcomes_file import TRUTH, read_outcomes
    from worldsim.rollout import open as open_rollout

    pooled = read_outcomes(run / TRUTH)["pooled"].to_dataset()
    with open_rollout(run / "truth.zarr") as truth:
        if not evidence.has_town(truth):
            return []
        return [*decision.happened(pooled, truth), *decision.sure(pooled, truth)]


def bench_staleness(record: Mapping[str, Any]) -> list[str]:
    """Why a benchmark's result would be another one now; empty if it would not."""
    from evaluation.benchmark.suites import suite_named

    definition = record["definition"]
    fresh = definition["suite_seed"] if definition["suite"].startswith("fresh") else None
    now = suite_named(definition["suite"], fresh).digests()
    return [f"the {part} of suite {definition['suite']} changed since" for part, digest in
            definition["suite_digests"].items() if now[part] != digest]


def staleness(record: Mapping[str, Any]) -> list[str]:
    """Why the same command might give other numbers now; empty if it would not."""
    definition = record["definition"]
    reasons = []
    if digest(definition) != record["definition_sha256"]:
        reasons.append("run.json was edited: the definition does not have the recorded hash")
    scenario = definition["scenario"]
    now = scenario_class(scenario["name"]).version
    if scenario["version"] != now:
        reasons.append(f"scenario {scenario['name']} is version {now} now, "
                       f"was {scenario['version']}")
    for package, before in record["versions"].items():
        try:
            installed = version(package) if package != "python" else None
        except PackageNotFoundError:
            installed = "not installed"
        if installed is not None and installed != before:
            reasons.append(f"{package} is {installed} now, was {before}")
    return reasons


def _in_words(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {_in_words(inner)}" for name, inner in value.items()
                         if inner != {})
    return str(value)
