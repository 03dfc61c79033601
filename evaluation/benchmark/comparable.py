"""Whether two runs can be compared, and what to do where they cannot."""

from __future__ import annotations

from evaluation.benchmark.report.stored import StoredRun
from evaluation.benchmark.rereading import PARTS, again, differing, keeps_dreams, suite_of
from worldsim.errors import InputError

CODE = ("instruments", "metrics")
"""Parts that may differ where both runs kept their dreams: these can be scored again."""


def refuse(a: StoredRun, b: StoredRun, allow_mixed: bool = False) -> list[str]:
    """Which parts of the code that scores differ; nothing where runs are comparable as they are.

    Raises
    ------
    InputError : the runs are of other suites or cases; or of other code, and mixing is not allowed
        or not possible. The message says which part differs and which run to make again, how.
    """
    mine, theirs = a.result["suite"], b.result["suite"]
    pair = f"{a.folder} and {b.folder} cannot be compared"
    if mine["id"] != theirs["id"]:
        name = str(mine["id"]).rpartition("-")[0]
        raise InputError(f"{pair}: they are of the suites {mine['id']} and {theirs['id']}; run the "
                         f"second on the first's: {again(b.result, suite=name)}")
    if mine["seed"] != theirs["seed"]:
        raise InputError(f"{pair}: their suites were drawn with the seeds {mine['seed']} and "
                         f"{theirs['seed']}; run the second with the first's: "
                         f"{again(b.result, seed=mine['seed'])}")
    changed = differing(mine["digests"], theirs["digests"])
    if not changed:
        return []
    told = " and ".join(f"{PARTS[part]} ({part} {mine['digests'][part]} and "
                        f"{theirs['digests'][part]})" for part in changed)
    today = suite_of(a.result).digests()
    stale = {run.folder: differing(run.result["suite"]["digests"], today) for run in (a, b)}
    old = [run for run in (a, b) if stale[run.folder]]
    repeat = ", and ".join(f"{run.folder}, which is not of this version, again: "
                           f"{again(run.result)}" for run in old)
    reason = f"{pair}: between them {told} changed; run {repeat}"
    if not set(changed) <= set(CODE):
        raise InputError(reason)
    # What is scored again is held against today's truths.
    cannot = [run for run in old if not set(stale[run.folder]) <= set(CODE)]
    if not allow_mixed:
        way = "" if cannot else ("; or add --allow-mixed, which scores the dreams they kept again "
                                 "with today's code")
        raise InputError(reason + way)
    if cannot:
        raise InputError(f"{reason}; --allow-mixed is of no use, for the truths of "
                         f"{cannot[0].folder} cannot be made any more")
    bare = [run for run in old if not keeps_dreams(run.folder)]
    if bare:
        raise InputError(f"{reason}; --allow-mixed is of no use, for {bare[0].folder} kept no "
                         "dreams")
    return changed
