"""``worldsim cite``: BibTeX and a methods paragraph for what a run actually used."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import tyro

from worldsim.cli.flags import parse
from worldsim.cli.run_directory import read_record

SOFTWARE = """@software{{worldsim,
  title = {{worldsim: simulate a physical what-if, let a world model dream it, measure the \
difference}},
  author = {{{{The worldsim authors}}}},
  version = {{{version}}},
  license = {{Apache-2.0}}
}}"""

MUJOCO = """@inproceedings{todorov2012mujoco,
  title = {{MuJoCo}: A physics engine for model-based control},
  author = {Todorov, Emanuel and Erez, Tom and Tassa, Yuval},
  booktitle = {IEEE/RSJ International Conference on Intelligent Robots and Systems},
  pages = {5026--5033},
  year = {2012},
  doi = {10.1109/IROS.2012.6386109}
}"""

HYDROSTATIC_RECONSTRUCTION = """@article{audusse2004fast,
  title = {A fast and stable well-balanced scheme with hydrostatic reconstruction for shallow \
water flows},
  author = {Audusse, Emmanuel and Bouchut, Fran{\\c c}ois and Bristeau, Marie-Odile and Klein, \
Rupert and Perthame, Beno{\\^\\i}t},
  journal = {SIAM Journal on Scientific Computing},
  volume = {25},
  number = {6},
  pages = {2050--2065},
  year = {2004},
  doi = {10.1137/S1064827503431090}
}"""

DIFFUSION_TRANSFORMER = """@inproceedings{peebles2023scalable,
  title = {Scalable diffusion models with transformers},
  author = {Peebles, William and Xie, Saining},
  booktitle = {IEEE/CVF International Conference on Computer Vision},
  pages = {4195--4205},
  year = {2023}
}"""

DIFFUSION_FORCING = """@inproceedings{chen2024diffusion,
  title = {Diffusion forcing: Next-token prediction meets full-sequence diffusion},
  author = {Chen, Boyuan and Mart{\\'i} Mons{\\'o}, Diego and Du, Yilun and Simchowitz, Max and \
Tedrake, Russ and Sitzmann, Vincent},
  booktitle = {Advances in Neural Information Processing Systems},
  year = {2024}
}"""

FAIR_SCORES = """@article{ferro2014fair,
  title = {Fair scores for ensemble forecasts},
  author = {Ferro, Christopher A. T.},
  journal = {Quarterly Journal of the Royal Meteorological Society},
  volume = {140},
  number = {683},
  pages = {1917--1923},
  year = {2014},
  doi = {10.1002/qj.2270}
}"""


@dataclasses.dataclass(frozen=True)
class Options:
    run: Annotated[tyro.conf.Positional[Path], tyro.conf.arg(metavar="RUN")]
    """The run directory."""


def main(args: Sequence[str]) -> int:
    """Print how to cite a run."""
    options = parse(Options, args, command="worldsim cite",
                    description="Print BibTeX and a methods paragraph for a run.")
    record = read_record(options.run)
    print("\n\n".join(entries(record)))
    print()
    print(methods(record))
    return 0


def entries(record: dict[str, Any]) -> list[str]:
    """BibTeX of what the run used."""
    definition = record["definition"]
    found = [SOFTWARE.format(version=definition["worldsim"]), MUJOCO, HYDROSTATIC_RECONSTRUCTION]
    if definition.get("checkpoint"):
        found += [DIFFUSION_TRANSFORMER, DIFFUSION_FORCING]
    if "model" in definition:
        found.append(FAIR_SCORES)
    return found


def methods(record: dict[str, Any]) -> str:
    """A paragraph for a paper's methods section."""
    d = record["definition"]
    scenario = d["scenario"]
    parameters = json.dumps(scenario["parameters"])
    text = (
        f"We simulated {d['cases']} cases with {d['realizations']} realizations each of the "
        f"scenario {scenario['name']} (version {scenario['version']}; {parameters}; seed "
        f"{d['seed']}; {d['duration']:g} s) with worldsim {d['worldsim']}, which couples a "
        f"shallow-water solver with hydrostatic reconstruction to rigid bodies in MuJoCo "
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
