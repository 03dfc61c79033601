"""``worldsim doctor``: try what may be missing on this machine, and say what to do about it."""

from __future__ import annotations

import dataclasses
import os
import shutil
import subprocess
from collections.abc import Callable, Sequence

from worldsim.cli.flags import parse
from worldsim.errors import InputError


@dataclasses.dataclass(frozen=True)
class Options:
    pass


@dataclasses.dataclass(frozen=True)
class Finding:
    """What one trial showed. needed : whether `worldsim run` fails without it."""

    subject: str
    works: bool
    detail: str
    needed: bool = True


def main(args: Sequence[str]) -> int:
    """Print one line per trial; exit status 0 when all that `worldsim run` needs works, else 1."""
    parse(Options, args, command="worldsim doctor",
          description="Try what may be missing on this machine and say what to do.")
    findings = [trial() for trial in TRIALS]
    for finding in findings:
        verdict = "ok" if finding.works else ("MISSING" if finding.needed else "missing")
        print(f"{verdict:<8} {finding.subject:<18} {finding.detail}")
    return 1 if any(f.needed and not f.works for f in findings) else 0


def ffmpeg() -> Finding:
    """Look for ffmpeg and run it."""
    from worldsim.ffmpeg import find_ffmpeg

    try:
        path = find_ffmpeg()
    except InputError as error:
        return Finding("ffmpeg", False, str(error))
    shown = subprocess.run([str(path), "-version"], capture_output=True, text=True, check=False)
    if shown.returncode:
        return Finding("ffmpeg", False, f"{path} does not start; install another")
    return Finding("ffmpeg", True, f"{' '.join(shown.stdout.split()[:3])} ({path})")


def checkpoint() -> Finding:
    """Load the packaged world model."""
    from worldsim.diffusion.model import PACKAGED, VideoDiffusion

    try:
        model = VideoDiffusion.from_pretrained(PACKAGED)
    except InputError as error:
        return Finding("checkpoint", False, f"{error}; install worldsim again")
    return Finding("checkpoint", True, f"{model.name}, {len(model.capabilities.scenarios)} "
                   f"scenarios, sha256 {model.sha256[:16]}")


def simulation() -> Finding:
    """Simulate one member for a tenth of a second."""
    from worldsim.scenario import list_scenarios, make
    from worldsim.simulator.world import simulate

    name = list_scenarios()[0]
    simulate(make(name), cases=1, realizations=1, duration=0.1)
    return Finding("simulation", True, f"{name}, one member, 0.1 s of its time")


def threads() -> Finding:
    """How many cores this process may use, and how many torch does use."""
    import torch

    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return Finding("threads", True, f"torch uses {torch.get_num_threads()} of {allowed} cores "
                                    "(set OMP_NUM_THREADS to change it)")


def accelerator() -> Finding:
    """Whether torch sees a GPU; everything works without one."""
    import torch

    if torch.cuda.is_available():
        return Finding("accelerator", True, torch.cuda.get_device_name(0), needed=False)
    return Finding("accelerator", False, "none seen by torch; everything runs on the CPU",
                   needed=False)


def compiler() -> Finding:
    """A C++ compiler, which torch.compile needs."""
    found = next((c for c in ("g++", "clang++", "c++") if shutil.which(c)), None)
    if found is None:
        return Finding("compiler", False, "only needed to compile the solver for large batches; "
                                          "install g++, e.g. `apt install g++`", needed=False)
    return Finding("compiler", True, str(shutil.which(found)), needed=False)


TRIALS: tuple[Callable[[], Finding], ...] = (
    ffmpeg, checkpoint, simulation, threads, accelerator, compiler)
