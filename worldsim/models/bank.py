"""Banks of training rollouts: what baselines remember of a scenario, made when first needed.

A bank is one file in the cache folder, named by all that decides its content, the simulator's and
the camera's code included. It is there whole or not at all, and carries a checksum: one that is
damaged is made again. Two processes that want the same one make it once.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import hashlib
import inspect
import io
import json
import math
import zlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from worldsim.atomic import written_whole
from worldsim.cache import FOLDER_VARIABLE as FOLDER_VARIABLE
from worldsim.cache import cache_folder as cache_folder
from worldsim.errors import InputError
from worldsim.rollout import software_versions
from worldsim.seeding import Purpose, seed_for
from worldsim.splits import Split, draw

if TYPE_CHECKING:
    from worldsim.camera import Camera
    from worldsim.scenario import Scenario

FORMAT = 1

CASES = 96
"""In-range training cases in a bank."""

SEED = 0
"""The user's seed (`seed_for`) of a bank's training cases."""

AT_ONCE = 16
"""Cases that are simulated and filmed together."""


_MAGIC = b"worldsim bank\n"

Progress = Callable[[float], None]


@dataclasses.dataclass(frozen=True)
class BankKey:
    """All that decides what is in a bank.

    scenario, version : what it is of. cases, seed : which training cases.
    size : (rows, columns). fps : frames per second. duration : s. camera : as JSON.
    code : digest of the code that simulates and films. software : versions of the packages below.
    """

    scenario: str
    version: int
    cases: int
    seed: int
    size: tuple[int, int]
    fps: float
    duration: float
    camera: str
    code: str
    software: str
    format: int = FORMAT

    @property
    def digest(self) -> str:
        """sha256: it differs where any field does."""
        text = json.dumps(dataclasses.asdict(self), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()


@dataclasses.dataclass(frozen=True)
class Bank:
    """Training rollouts of one scenario as one camera shows them.

    case : (n,) numbers; cases whose simulation failed are left out.
    parameters : {name: (n,)}, choices as codes. first : (n, row, column, 3) uint8, first frames.
    films : one per case, compressed; `video` reads them. shape : (time, row, column, 3) of each.
    """

    key: BankKey
    case: np.ndarray
    parameters: Mapping[str, np.ndarray]
    first: np.ndarray
    films: tuple[bytes, ...]
    shape: tuple[int, ...]

    def video(self, index: int) -> np.ndarray:
        """(time, row, column, 3) uint8 of the case at `index`."""
        changes = np.frombuffer(zlib.decompress(self.films[index]), dtype=np.uint8)
        return np.add.accumulate(changes.reshape(self.shape), axis=0, dtype=np.uint8)

    def save(self, path: Path) -> None:
        """Write the bank, whole or not at all."""
        header = {"key": dataclasses.asdict(self.key), "names": list(self.parameters),
                  "shape": self.shape}
        arrays = {
            "header": np.frombuffer(json.dumps(header).encode(), dtype=np.uint8),
            "case": self.case,
            "parameters": np.stack([np.asarray(v, float) for v in self.parameters.values()]),
            "length": np.array([len(film) for film in self.films]),
            "films": np.frombuffer(b"".join(self.films), dtype=np.uint8),
        }
        content = io.BytesIO()
        np.savez(content, allow_pickle=False, **arrays)
        digest = hashlib.sha256(content.getbuffer()).digest()
        with written_whole(path) as beside, beside.open("wb") as file:
            for part in (_MAGIC, digest, content.getbuffer()):
                file.write(part)

    @classmethod
    def load(cls, path: Path, key: BankKey) -> Bank | None:
        """The bank that is stored at `path`; None if there is none, or not a whole one of `key`."""
        try:
            stored = memoryview(path.read_bytes())
        except FileNotFoundError:
            return None
        start = len(_MAGIC) + hashlib.sha256().digest_size
        content = stored[start:]
        if bytes(stored[:start]) != _MAGIC + hashlib.sha256(content).digest():
            return None
        with np.load(io.BytesIO(content), allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        header = json.loads(arrays["header"].tobytes())
        if header["key"] != json.loads(json.dumps(dataclasses.asdict(key))):
            return None
        ends = np.cumsum(arrays["length"])
        films = tuple(
            arrays["films"][end - length : end].tobytes()
            for end, length in zip(ends, arrays["length"], strict=True)
        )
        return cls._of(key, arrays["case"],
                       dict(zip(header["names"], arrays["parameters"], strict=True)),
                       films, tuple(header["shape"]))

    @classmethod
    def _of(cls, key: BankKey, case: np.ndarray, parameters: Mapping[str, np.ndarray],
            films: tuple[bytes, ...], shape: tuple[int, ...]) -> Bank:
        size = math.prod(shape[1:])
        heads = [zlib.decompressobj().decompress(film, size) for film in films]
        first = np.frombuffer(b"".join(heads), dtype=np.uint8).reshape(-1, *shape[1:])
        return cls(key, case, parameters, first, films, shape)


def bank(scenario: type[Scenario], camera: Camera, *, size: tuple[int, int], fps: float,
         duration: float, cases: int = CASES, seed: int = SEED,
         progress: Progress | None = None) -> Bank:
    """The bank of a scenario's training cases: from the cache folder, or else made and kept there.

    Parameters
    ----------
    camera : of the scenario's scenes. size : (rows, columns). fps : frames per second.
    duration : s, at least, of each rollout.
    cases : in-range cases number 0, 1, … of the training seed `seed`.
    progress : called with the finished fraction while it is made.

    Raises
    ------
    InputError : all simulations failed, or the cache folder cannot be written.
    """
    from filelock import FileLock

    key = BankKey(
        scenario.name, scenario.version, cases, seed, (int(size[0]), int(size[1])), float(fps),
        whole_tenths(duration), camera.to_json(), code_digest(scenario),
        json.dumps(software_versions(), sort_keys=True),
    )
    path = cache_folder() / "banks" / f"{scenario.name}-{key.digest[:32]}.bank"
    lock = FileLock(path.with_suffix(".lock"))
    with _usable(path.parent):
        found = Bank.load(path, key)
        if found is not None:
            return found
        path.parent.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    try:
        with _usable(path.parent):
            found = Bank.load(path, key)
        if found is None:  # nobody else has made it meanwhile
            found = _made(scenario, key, camera, progress)
            with _usable(path.parent):
                found.save(path)
    finally:
        lock.release()
    return found


@contextlib.contextmanager
def _usable(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise InputError(
            f"the cache folder {folder} cannot be used ({error.strerror or error}); set the "
            f"environment variable {FOLDER_VARIABLE} to a folder that can be written"
        ) from error


def _made(scenario: type[Scenario], key: BankKey, camera: Camera,
          progress: Progress | None) -> Bank:
    from worldsim.camera import render
    from worldsim.simulator.world import simulate

    seed = seed_for(Purpose.TRAINING, key.seed)
    times = np.arange(round(key.duration * key.fps)) / key.fps
    drawn = [draw(scenario, Split.IN_RANGE, seed, number) for number in range(key.cases)]
    kept: list[int] = []
    films: list[bytes] = []
    for first in range(0, key.cases, AT_ONCE):
        numbers = list(range(first, min(first + AT_ONCE, key.cases)))
        tree = simulate([drawn[n] for n in numbers], seed=seed, duration=key.duration,
                        case_numbers=numbers)
        failed = tree["audit"]["failed"].values[:, 0]
        video = render(tree, camera, size=key.size, fps=key.fps, times=list(times))["rgb"].values
        for place, number in enumerate(numbers):
            if not failed[place]:
                kept.append(number)
                films.append(_compressed(video[place, 0]))
        if progress is not None:
            progress((numbers[-1] + 1) / key.cases)
    if not kept:
        raise InputError(f"all {key.cases} training rollouts of {key.scenario!r} failed; see the "
                         "warnings")
    codes = [drawn[number].codes() for number in kept]
    parameters = {name: np.array([one[name] for one in codes]) for name in scenario.parameters()}
    return Bank._of(key, np.array(kept), parameters, tuple(films), (len(times), *key.size, 3))


def _compressed(video: np.ndarray) -> bytes:
    """A video (time, row, column, 3) by its changes from frame to frame, most of which are none."""
    changes = video.copy()
    changes[1:] -= video[:-1]
    return zlib.compress(changes.tobytes(), 6)


def whole_tenths(duration: float) -> float:
    """The least multiple of 0.1 s, which simulations last, that is not shorter."""
    return math.ceil(duration * 10 - 1e-6) / 10


def code_digest(scenario: type[Scenario]) -> str:
    """sha256 of the code that simulates and films a scenario: that of the simulator and the camera,
    and that of the scenario and of the modules beside it in its package."""
    import worldsim

    house = Path(inspect.getfile(worldsim)).parent
    files = [*(house / "simulator").rglob("*.py"), *(house / "camera").rglob("*.py"),
             house / "seeding.py", house / "splits.py", house / "scenario.py"]
    own = Path(inspect.getfile(scenario))
    files += own.parent.glob("*.py") if "." in scenario.__module__ else [own]
    return _digest_of(tuple(files))


@functools.cache
def _digest_of(files: tuple[Path, ...]) -> str:
    digest = hashlib.sha256()
    for text in sorted(file.read_bytes() for file in files):
        digest.update(hashlib.sha256(text).digest())
    return digest.hexdigest()
