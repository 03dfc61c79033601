"""One case of a suite: its truth, made once and kept, and the query that every model is asked."""

from __future__ import annotations

import dataclasses
import json
import warnings

import numpy as np
import xarray as xr

from evaluation.benchmark.code_digest import DATA, INSTRUMENTS, code_digest
from evaluation.benchmark.store import SUFFIX, cache_folder, key_of, load_entry, save_entry
from evaluation.benchmark.suites import Block, Suite
from evaluation.measure import Truth, prepare_truth
from worldsim.answer import camera_json
from worldsim.errors import InputError, MembersFailed
from worldsim.mechanics import Kick
from worldsim.query import Known, Origin, Query
from worldsim.rollout import video_dataset
from worldsim.scenario import Scenario
from worldsim.simulator.audit_record import failed_members
from worldsim.simulator.world import simulate

STATES_TENTH = 10
"""Durations of simulations are multiples of a tenth of a second."""


@dataclasses.dataclass(frozen=True)
class Case:
    """One case.

    block, number : its place in the suite. seed : of all random streams.
    scenario : its parameters; of a what-if not those that the number alone would draw.
    label : what tells apart cases of one block and number (levels of a sweep); mostly empty.
    kicks : interventions.
    """

    block: Block
    number: int
    seed: int
    scenario: Scenario
    label: str = ""
    kicks: tuple[Kick, ...] = ()

    @property
    def id(self) -> str:
        """Name in files and tables."""
        return self.block.case_id(self.number) + (f"-{self.label}" if self.label else "")

    @property
    def key(self) -> str:
        """Of the truth: all that it depends on."""
        block, cls = self.block, self.block.cls
        return key_of(
            what="truth", scenario=json.loads(self.scenario.to_json()), number=self.number,
            seed=self.seed, realizations=block.realizations, frames=block.frames,
            context=block.context, size=list(cls.size), fps=cls.fps, camera=block.camera,
            kicks=[dataclasses.asdict(kick) for kick in self.kicks],
            data=code_digest(DATA), instruments=code_digest(INSTRUMENTS),
        )

    def truth(self) -> CaseTruth:
        """The truth: read from the cache, or simulated, filmed and read by the instruments."""
        path = cache_folder() / "truths" / self.key[:2] / f"{self.key}{SUFFIX}"
        tree = load_entry(path)
        if tree is None:
            save_entry(path, self._made())
            tree = load_entry(path)
            assert tree is not None, path
        failed = tuple(json.loads(tree.attrs["failed_members"]))
        return CaseTruth(self, _unpacked(tree, self.block), failed)

    def simulated(self) -> xr.DataTree:
        """The simulated rollout, with its states."""
        tenths = np.ceil(self.block.duration * STATES_TENTH - 1e-9)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", MembersFailed)  # kept in the entry, and counted
            return simulate(
                [self.scenario], realizations=self.block.realizations, seed=self.seed,
                case_numbers=[self.number], duration=float(tenths / STATES_TENTH), threads=1,
                kicks=self.kicks,
            )

    def _made(self) -> xr.DataTree:
        rollout, cls = self.simulated(), self.block.cls
        ready = prepare_truth(
            rollout, size=cls.size, fps=cls.fps, cameras=(self.block.camera,),
            frames=self.block.frames, context=self.block.context,
        )
        groups = _under("/state", ready.state) | _under("/observed", ready.observed)
        video = ready.video[self.block.camera]
        groups["/video"] = xr.Dataset({"rgb": video})
        lines = failed_members(rollout)
        groups["/"] = xr.Dataset(attrs={"failed_members": json.dumps(lines)})
        return xr.DataTree.from_dict({name: _plain(one) for name, one in groups.items()})

    def query(self, truth: CaseTruth, realizations: int | None = None, seed: int = 0) -> Query:
        """What a model is asked: the first frames of realization 0, and every parameter that shows.

        The simulator needs hidden parameters as well; `unseen` ones are told to models that
        simulate only.
        """
        block, cls = self.block, self.block.cls
        known = truth.ready.video[block.camera].values[:, 0, : block.context]
        codes = {name: np.array([value]) for name, value in self.scenario.codes().items()}
        return Query(
            scenario=block.scenario, parameters=codes,
            known=(Known(block.camera, known),), cameras=(block.camera,), size=cls.size,
            fps=cls.fps, duration=block.duration, cases=1,
            realizations=realizations or block.realizations, seed=seed,
            origin=Origin(self.seed, (self.number,)), text=self.scenario.caption(),
            actions=self.kicks, case_ids=(self.id,),
        )


@dataclasses.dataclass(frozen=True)
class CaseTruth:
    """A case's truth, made ready for scoring.

    ready : observables of the state and of the video. failed : a line for every member whose books
    do not close; such a case is not scored.
    """

    case: Case
    ready: Truth
    failed: tuple[str, ...] = ()

    def rollout(self) -> xr.DataTree:
        """The truth's own video as a generated rollout: what scores must find perfect."""
        from worldsim.rollout import root_dataset

        block = self.case.block
        video = self.ready.video[block.camera]
        root = root_dataset(kind="generated", scenario=block.scenario, cases=[self.case.number],
                            realizations=range(video.sizes["realization"]), seed=self.case.seed,
                            model="truth")
        return xr.DataTree.from_dict({
            "/": root,
            f"/video/{block.camera}": video_dataset(
                video.values, block.cls.fps, camera_json(block.scenario, block.camera)),
        })


def _plain(dataset: xr.Dataset) -> xr.Dataset:
    """Attributes as JSON can hold them."""
    def plain(value: object) -> object:
        if isinstance(value, np.generic):
            return value.item()
        return value.tolist() if isinstance(value, np.ndarray) else value

    copy = dataset.copy()
    copy.attrs = {k: plain(v) for k, v in dataset.attrs.items()}
    for name in copy.variables:
        copy[name].attrs = {k: plain(v) for k, v in copy[name].attrs.items()}
    return copy


def _unpacked(tree: xr.DataTree, block: Block) -> Truth:
    cls = block.cls
    return Truth(
        _children(tree["state"]), _children(tree["observed"]),
        {block.camera: tree["video"]["rgb"]}, float(cls.fps), cls.size, block.scenario,
        block.context,
    )


def _under(place: str, tree: xr.DataTree) -> dict[str, xr.Dataset]:
    """All groups of a tree, however deep, by their paths below a place."""
    return {f"{place}{node.path}": node.to_dataset(inherit=False)
            for node in tree.subtree if node is not tree}


def _children(node: xr.DataTree) -> xr.DataTree:
    return xr.DataTree.from_dict({
        path: one.to_dataset(inherit=False) for path, one in node.subtree_with_keys if path != "."
    })


def cases_of(suite: Suite, block: Block, limit: int | None = None) -> list[Case]:
    """The cases of one block."""
    count = block.cases if limit is None else min(block.cases, limit)
    return [Case(block, n, suite.stream_seed, suite.scenario_of(block, n)) for n in range(count)]


def case_by_id(suite: Suite, case_id: str) -> Case:
    """A case of a suite by its name.

    Raises
    ------
    InputError : there is none; the message gives the nearest.
    """
    import difflib

    for block in suite.blocks:
        for number in range(block.cases):
            if block.case_id(number) == case_id:
                return Case(block, number, suite.stream_seed, suite.scenario_of(block, number))
    near = difflib.get_close_matches(case_id, suite.case_ids(), n=1)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    raise InputError(f"suite {suite.id} has no case {case_id!r}{hint}")
