"""``worldsim cite``: where every number is from, and how to cite a run."""

from __future__ import annotations

import dataclasses
import json
import textwrap
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated, Any

import tyro

from worldsim.cli.flags import parse
from worldsim.errors import InputError
from worldsim.sources import Coefficient, bibliography

WIDTH = 80

SOFTWARE = """@software{{worldsim,
  title = {{worldsim: simulate a physical what-if, let a world model dream it, measure the \
difference}},
  author = {{{{The worldsim authors}}}},
  version = {{{version}}},
  license = {{Apache-2.0}}
}}"""

LEGEND = (
    "v verified at the source or in a named transcription of it; d derived here from verified "
    "numbers; u uncertain: remembered or assumed, and drawn from a wide range where an estimate "
    "hangs on it. × or / is one standard deviation of a lognormal, ± of a normal law, .. a uniform "
    "range. [n] are the sources below."
)


@dataclasses.dataclass(frozen=True)
class Options:
    run: Annotated[tyro.conf.Positional[Path | None], tyro.conf.arg(metavar="[RUN]")] = None
    """A run directory: how to cite that run. Without one: every coefficient with its source."""
    explain: bool = False
    """Also say what each coefficient means."""
    simulator: bool = False
    """Also list the simulator's own constants."""
    json: bool = False
    """Print data instead of text."""


def main(args: Sequence[str]) -> int:
    """Print how to cite a run, or where all coefficients are from."""
    options = parse(Options, args, command="worldsim cite",
                    description="Print where every coefficient of the outcomes is from, or BibTeX "
                                "and a methods paragraph for a run.")
    if options.run is None:
        _print_catalogue(options)
    else:
        if options.explain or options.simulator:
            raise InputError("--explain and --simulator list coefficients; leave RUN out with them")
        _print_run(options.run, as_json=options.json)
    return 0


def _print_run(run: Path, as_json: bool) -> None:
    from worldsim.run_directory import read_record

    record = read_record(run)
    if "suite" in record["definition"]:
        _print(bench_entries(record), bench_methods(record), as_json)
        return
    water = not (run / "truth.zarr" / "parts").is_dir()  # else bodies alone
    bibtex, text = entries(record, water), methods(record, water)
    if (run / "truth_outcomes.nc").is_file():
        from worldsim.outcomes.catalogue import ASSESSED, coefficients, keys

        bibtex += [bibliography()[key] for key in keys(coefficients(ASSESSED))]
        text += (
            " Damage, services, casualties and screened symptoms were derived from the recorded "
            "exposures with the coefficients that `worldsim cite` lists, drawn from their declared "
            "uncertainties."
        )
    _print(bibtex, text, as_json)


def _print(bibtex: list[str], text: str, as_json: bool) -> None:
    if as_json:
        print(json.dumps({"bibtex": bibtex, "methods": text}, indent=2))
        return
    print("\n\n".join(bibtex))
    print()
    print(text)


def bench_entries(record: dict[str, Any]) -> list[str]:
    """BibTeX of what a benchmark's result rests on."""
    known = bibliography()
    keys = ["todorov2012mujoco", "audusse2004fast", "ferro2014fair"]
    return [SOFTWARE.format(version=record["versions"]["worldsim"]), *(known[key] for key in keys)]


def bench_methods(record: dict[str, Any]) -> str:
    """A paragraph for a paper's methods section, of a benchmark's result."""
    d = record["definition"]
    digests = ", ".join(f"{part} {digest}" for part, digest in d["suite_digests"].items())
    part = "" if d["limit"] is None and not d["scenarios"] else " A part of the suite was run."
    return (
        f"We scored {d['model']} on the suite {d['suite']} (seed {d['suite_seed']}; {digests}) of "
        f"worldsim {record['versions']['worldsim']} with MuJoCo {record['versions']['mujoco']}. "
        "Positions, outlines, water and debris were read off truth and prediction by the same "
        "instruments and compared with the simulator's state; ensembles were scored by the fair "
        "continuous ranked probability score and the fair Brier score (Ferro 2014). Skill is 1 for "
        "an independent ensemble of the simulator (for the truth's own video in paired metrics) "
        "and 0 for a frozen picture; 95% intervals are studentized bootstrap intervals over cases "
        f"within scenarios; a failed case counts as the worst baseline.{part}"
    )


def entries(record: dict[str, Any], water: bool = True) -> list[str]:
    """BibTeX of what the run used."""
    definition = record["definition"]
    known = bibliography()
    keys = ["todorov2012mujoco"] + (["audusse2004fast"] if water else [])
    if definition.get("checkpoint"):
        keys += ["peebles2023scalable", "chen2024diffusion"]
    if "model" in definition:
        keys.append("ferro2014fair")
    return [SOFTWARE.format(version=definition["worldsim"]), *(known[key] for key in keys)]


def methods(record: dict[str, Any], water: bool = True) -> str:
    """A paragraph for a paper's methods section."""
    d = record["definition"]
    scenario = d["scenario"]
    parameters = (f"parameters drawn from the split {d['split']}" if "split" in d
                  else json.dumps(scenario["parameters"]))
    how = ("which couples a shallow-water solver with hydrostatic reconstruction to rigid bodies in"
           if water else "as rigid bodies in")
    text = (
        f"We simulated {d['cases']} cases with {d['realizations']} realizations each of the "
        f"scenario {scenario['name']} (version {scenario['version']}; {parameters}; seed "
        f"{d['seed']}; {d['duration']:g} s) with worldsim {d['worldsim']}, {how} MuJoCo "
        f"{record['versions']['mujoco']}."
    )
    if "model" in d:
        weights = f" (weights sha256 {d['checkpoint'][:16]})" if d.get("checkpoint") else ""
        text += (
            f" The world model {d['model']}{weights} was given the first {d['context_frames']} "
            f"frames of realization 0 and the scenario's parameters, and answered with "
            f"{d['realizations']} realizations per case. Instruments read truth and dream "
            "videos alike and were compared with the simulator's state; ensembles were scored "
            "with the fair Brier score and the fair continuous ranked probability score."
        )
    return text


def _print_catalogue(options: Options) -> None:
    from worldsim.cli.simulator_constants import simulator_constants
    from worldsim.outcomes.catalogue import coefficients, keys

    found = coefficients()
    constants = simulator_constants() if options.simulator else []
    if options.json:
        print(json.dumps({
            "coefficients": [as_data(c) for c in found],
            "sources": {key: bibliography()[key] for key in keys(found)},
            **({"simulator": [dataclasses.asdict(c) for c in constants]} if constants else {}),
        }, indent=1, ensure_ascii=False))
        return
    print("\n".join(table(found, explain=options.explain)))
    if constants:
        print("\nThe simulator's constants, as its modules document them\n")
        for constant in constants:
            # Tables are shown as they are written: their comments name the sources row by row.
            print(f"{constant.module}.{constant.name} = {constant.value}")
            print(textwrap.fill(constant.text, WIDTH, initial_indent="    ",
                                subsequent_indent="    "))
    print("\nSources\n")
    for number, key in enumerate(keys(found), start=1):
        print(f"[{number}]\n{bibliography()[key]}\n")


def as_data(coefficient: Coefficient) -> dict[str, Any]:
    """A coefficient for JSON; infinite limits are left out."""
    data = dataclasses.asdict(coefficient)
    for end in ("low", "high"):
        if abs(data[end]) == float("inf"):
            del data[end]
    return data


def table(found: Iterable[Coefficient], explain: bool = False) -> list[str]:
    """Lines of at most `WIDTH` characters: one a coefficient, grouped by subject."""
    from worldsim.outcomes.catalogue import keys

    found = tuple(found)
    number = {key: n for n, key in enumerate(keys(found), start=1)}
    lines = textwrap.wrap(LEGEND, WIDTH)
    subject = ""
    for c in found:
        head, name = c.name.split(".", 1)
        if head != subject:
            subject = head
            lines += ["", f"{subject:<34}{'value':>9}  {'uncertainty':<13}{'unit':<10}source"]
        cited = ",".join(str(number[key]) for key in c.sources)
        lines.append(f"  {name:<32}{c.value:>9.5g}  {c.uncertainty():<13}{c.unit:<10}"
                     f"{c.standing[0]} [{cited}]")
        if explain:
            lines += textwrap.wrap(c.meaning, WIDTH, initial_indent=" " * 6,
                                   subsequent_indent=" " * 6)
    return lines
