"""Measure one scenario: every case through every codec, in every view, once."""

from __future__ import annotations

import dataclasses
import hashlib
import warnings
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
import xarray as xr

import worldsim.instruments
from evaluation.floors import coast, tracked
from evaluation.floors.codecs import CODECS, MODEL, RAW, Codec, bottleneck, h264
from worldsim.atomic import written_whole
from worldsim.camera import camera_of, render
from worldsim.camera.projection import Camera
from worldsim.errors import MembersFailed
from worldsim.instruments import track
from worldsim.instruments.contact_state import contact_state
from worldsim.instruments.counts import count_objects
from worldsim.instruments.gravity import effective_gravity
from worldsim.instruments.mechanics_state import mechanics_state
from worldsim.scenario import Scenario, scenario_class
from worldsim.simulator.world import simulate
from worldsim.splits import Purpose, Split, draw, seed_for

SEED = seed_for(Purpose.TEST, 5)
FIT_SEED = seed_for(Purpose.TRAINING, 5)
FIT_CASES = 4
"""Other cases, to whose films the model's bottleneck is fitted."""

FALLING = ("free_fall", "projectile")
"""Scenarios whose objects fly freely between kinks: their videos tell gravity."""

OVERHEAD = "overhead"

Judge = Callable[[xr.Dataset, str], dict[str, np.ndarray]]
"""From a film after a codec, and its name, to errors."""


@dataclasses.dataclass(frozen=True)
class Setting:
    """One view at one size. cases : how many. cameras are numbered as the scenario shows them."""

    rows: int
    camera: int
    codecs: tuple[str, ...]
    cases: int


SETTINGS = (
    Setting(64, 0, CODECS, 8),
    Setting(64, 1, CODECS[:2], 8),
    Setting(256, 0, CODECS[:2], 8),
)
"""What is measured of every scenario. The model sees 64 rows only."""


@dataclasses.dataclass(frozen=True)
class Measured:
    """Errors in one view at one size through one codec: arrays by name, for every case."""

    scenario: str
    version: int
    camera: str
    rows: int
    codec: str
    instruments: str
    cases: tuple[dict[str, np.ndarray], ...]

    def save(self, path: Path) -> None:
        """Write an npz file that is whole or not there."""
        arrays = {f"{case}/{name}": values for case, one in enumerate(self.cases)
                  for name, values in one.items()}
        with written_whole(path) as partial, open(partial, "wb") as file:
            np.savez_compressed(file, key=self._key(), **arrays)  # type: ignore[arg-type]

    def _key(self) -> np.ndarray:
        return np.array([self.scenario, str(self.version), self.camera, str(self.rows),
                         self.codec, self.instruments])

    @classmethod
    def load(cls, path: Path) -> Measured:
        """The inverse of `save`."""
        with np.load(path) as stored:
            name, version, camera, rows, codec, instruments = stored["key"]
            cases: dict[int, dict[str, np.ndarray]] = {}
            for entry in stored.files:
                if entry != "key":
                    case, quantity = entry.split("/")
                    cases.setdefault(int(case), {})[quantity] = stored[entry]
        return cls(str(name), int(version), str(camera), int(rows), str(codec), str(instruments),
                   tuple(cases[n] for n in sorted(cases)))


def _instruments_version() -> str:
    """First digits of the sha256 of the instruments' source: changes whenever they do."""
    folder = Path(worldsim.instruments.__file__).parent
    digest = hashlib.sha256()
    for file in sorted(folder.glob("*.py")):
        digest.update(file.name.encode() + file.read_bytes())
    return digest.hexdigest()[:12]


INSTRUMENTS = _instruments_version()
"""Of what this process has imported: read before anything is measured."""


def place_of(work: Path, name: str, camera: str, rows: int, codec: str) -> Path:
    """Where a `Measured` is kept."""
    return work / f"{name}.{camera}.{rows}.{codec.replace(' ', '')}.npz"


def measure(name: str, work: Path, settings: Sequence[Setting] = SETTINGS) -> Iterator[Measured]:
    """Measure what `work` does not hold yet, for this version of scenario and instruments."""
    cls = scenario_class(name)
    films = _Films(name)
    known = {(setting, codec): _kept(work, cls, setting, codec)
             for setting in settings for codec in setting.codecs}
    # Views of one size are measured together: both are needed to tell where things are in space.
    lacks = {(setting.rows, codec) for (setting, codec), kept in known.items()
             if kept is None and films.judged(cls.film_cameras[setting.camera])}
    for setting in settings:
        camera = cls.film_cameras[setting.camera]
        lacking = [codec for codec in setting.codecs if (setting.rows, codec) in lacks]
        for codec in setting.codecs:
            kept = known[setting, codec]
            if codec not in lacking and kept is not None:
                yield kept
        if lacking and films.judged(camera):
            cases = films.measured(camera, setting, lacking)
            for codec in lacking:
                fresh = Measured(name, cls.version, camera, setting.rows, codec, INSTRUMENTS,
                                 tuple(case[codec] for case in cases))
                fresh.save(place_of(work, name, camera, setting.rows, codec))
                yield fresh


def _kept(work: Path, cls: type[Scenario], setting: Setting, codec: str) -> Measured | None:
    """What was measured before, by these versions and of so many cases."""
    path = place_of(work, cls.name, cls.film_cameras[setting.camera], setting.rows, codec)
    if not path.exists():
        return None
    kept = Measured.load(path)
    same = (kept.version, kept.instruments, len(kept.cases))
    return kept if same == (cls.version, INSTRUMENTS, setting.cases) else None


class _Films:
    """The rollouts of a scenario, simulated when they are first needed."""

    def __init__(self, name: str) -> None:
        self.cls = scenario_class(name)
        self._rollout: dict[int, xr.DataTree] = {}
        self._scenarios: dict[int, Scenario] = {}
        self._places: dict[tuple[int, int, str], tuple[Camera, np.ndarray]] = {}

    def _truth(self, case: int, seed: int = SEED) -> tuple[Scenario, xr.DataTree]:
        if seed != SEED:
            return self._simulated(case, seed)
        if case not in self._rollout:
            self._scenarios[case], self._rollout[case] = self._simulated(case, seed)
        return self._scenarios[case], self._rollout[case]

    def _simulated(self, case: int, seed: int) -> tuple[Scenario, xr.DataTree]:
        scenario = draw(self.cls, Split.IN_RANGE, seed, case)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", MembersFailed)
            return scenario, simulate([scenario], seed=seed, case_numbers=[case],
                                      threads=torch.get_num_threads())

    def judged(self, camera: str) -> bool:
        """Whether instruments read this view: on the coast, from above only."""
        return "parts" in self._truth(0)[1].children or camera == OVERHEAD

    def measured(self, camera: str, setting: Setting,
                 codecs: Sequence[str]) -> list[dict[str, dict[str, np.ndarray]]]:
        """For every case, what each codec gave."""
        size = (setting.rows, setting.rows * self.cls.size[1] // self.cls.size[0])
        through = {codec: self._codec(codec, camera, size) for codec in codecs}
        found: list[dict[str, dict[str, np.ndarray]]] = []
        for case in range(setting.cases):
            scenario, truth = self._truth(case)
            video = render(truth, camera, size=size)
            view = camera_of(truth, camera)
            judge = (self._rigid if "parts" in truth.children else self._coast)(
                scenario, truth, view, video)
            one = {}
            for codec in codecs:
                one[codec] = judge(_through(video, through[codec]), codec)
            found.append(one)
        return found

    def _codec(self, codec: str, camera: str, size: tuple[int, int]) -> Codec:
        if codec == RAW:
            return lambda frames: frames
        if codec == MODEL:
            return bottleneck([
                render(self._truth(case, FIT_SEED)[1], camera, size=size)["rgb"].values[0, 0]
                for case in range(FIT_CASES)
            ])
        return h264(self.cls.fps, int(codec.split()[1]))

    def _rigid(self, scenario: Scenario, truth: xr.DataTree, view: Camera,
               video: xr.Dataset) -> Judge:
        rows, columns = video["rgb"].shape[3:5]
        case = int(truth["case"].values[0])
        state = mechanics_state(truth, view, (rows, columns), video["time"].values)
        contacts = contact_state(truth, state, view, (rows, columns))

        def judge(film: xr.Dataset, codec: str) -> dict[str, np.ndarray]:
            tracks = track(film)
            found = tracked.errors_of(tracks, state, contacts)
            found["count"] = tracked.count_errors(count_objects(film)["count"].values[0, 0], state)
            scale = tracked.scale_of(view, rows)
            if scenario.name in FALLING and scale is not None:
                known = effective_gravity(tracks, scale).values.ravel()
                known = known[np.isfinite(known)]
                found["gravity"] = np.abs(known / float(scenario.values()["gravity"]) - 1)
            # The first view's places wait for those of the second.
            places, key = tracked.places_of(tracks, state), (case, rows, codec)
            other = self._places.setdefault(key, (view, places))
            if other[0] != view:
                found["space"] = tracked.space_errors(truth, state, (other[1], places),
                                                      (other[0], view), (rows, columns))
            return found

        return judge

    @staticmethod
    def _coast(scenario: Scenario, truth: xr.DataTree, view: Camera, video: xr.Dataset) -> Judge:
        size = video["rgb"].shape[3:5]
        houses = bool(truth["structures"]["present"].values.any())
        blocks = None if houses else coast.blocks_of(truth, view, size, video["time"].values)

        def judge(film: xr.Dataset, codec: str) -> dict[str, np.ndarray]:
            found = coast.errors_of(truth, film, view)
            if blocks is not None:
                found["position"] = coast.block_errors(film, blocks)
            return found

        return judge


def _through(video: xr.Dataset, codec: Codec) -> xr.Dataset:
    """A video of one member after a codec."""
    rgb = codec(video["rgb"].values[0, 0])[None, None]
    return video.assign(rgb=(video["rgb"].dims, rgb))
