"""Measurements and solutions that others published: found locally or fetched, hash-checked.

`WORLDSIM_DATA` may name a folder that holds the files under their `path`; without it they are
fetched once into the user's cache. A file with another hash is never used.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

from evaluation.validation.case import NotAvailable
from worldsim.errors import InputError

VARIABLE = "WORLDSIM_DATA"

# Repositories pinned to the commits whose files have the hashes below.
NTHMP = ("https://raw.githubusercontent.com/rjleveque/nthmp-benchmark-problems/"
         "6c11fc3f45fb2bbb3f6719ec1be0b2bd6fde97eb/")
ANUGA = ("https://raw.githubusercontent.com/anuga-community/anuga_core/"
         "101cb6d24daf70cba108662ca3e7214a8a149df3/")


@dataclass(frozen=True)
class DataFile:
    """A published file: where it lies below `WORLDSIM_DATA`, its source, its SHA-256."""

    path: str
    url: str
    sha256: str


BP01_PROFILES = DataFile(
    "nthmp/bp01_canonical_profiles.txt",
    NTHMP + "BP01-DmitryN-Single_wave_on_simple_beach/canonical_profiles.txt",
    "e821350199c4c7fda575e82469f72dcea51aea71cb38d256e753dad0217c87ca")
BP01_SERIES = DataFile(
    "nthmp/bp01_canonical_ts.txt",
    NTHMP + "BP01-DmitryN-Single_wave_on_simple_beach/canonical_ts.txt",
    "95ddfd11987bc36a6683e572dc07b157127ba95a569c118e24d68dd2682af0df")
BP04_RUNUP = DataFile(
    "nthmp/bp04_lab_runup.txt",
    NTHMP + "BP04-JosephZ-Single_wave_on_simple_beach/Lab_runup.txt",
    "3d33d6b7a3ce5398e4217fc0170c64bdb13a77738a0a6d39f85bc0c98a18f692")
BP04_PROFILES = DataFile(
    "nthmp/bp04_profs.tgz",
    NTHMP + "BP04-JosephZ-Single_wave_on_simple_beach/profs.tgz",
    "f80f445e9b749b15511a2972deb7c3e002f57f40fff38c4cb967f7feaa76fb77")
COLUMN_FORCE = DataFile(
    "yeh_petroff/force_experiment.txt",
    ANUGA + "validation_tests/experimental_data/dam_break_yeh_petroff/for_exp.txt",
    "3ef3f8b46f986e65e94aa24f02b378104529d9d39ec37d5b27d4ab7db614f4a9")


def locate(file: DataFile) -> Path:
    """The path of a file with the right hash.

    Raises
    ------
    InputError : WORLDSIM_DATA names no folder, or its file differs from the published one.
    NotAvailable : it is not in WORLDSIM_DATA and cannot be fetched.
    """
    folder = os.environ.get(VARIABLE, "")
    if folder:
        if not Path(folder).is_dir():
            raise InputError(f"{VARIABLE}={folder} is not a folder; name the one that holds the "
                             "validation data, or unset it to fetch them")
        held = Path(folder) / file.path
        if held.is_file():
            found = hashlib.sha256(held.read_bytes()).hexdigest()
            if found != file.sha256:
                raise InputError(f"{held} is not the published file: SHA-256 {found[:12]}…, "
                                 f"expected {file.sha256[:12]}…; replace it from {file.url}")
            return held
    return _fetch(file)


def _fetch(file: DataFile) -> Path:
    try:
        import pooch
    except ImportError:
        raise NotAvailable(f"needs {file.path}; set {VARIABLE}, or install pooch and connect"
                           ) from None
    cache = Path(pooch.os_cache("worldsim"))
    pooch.get_logger().setLevel("ERROR")
    try:
        fetched = pooch.retrieve(
            file.url, known_hash=f"sha256:{file.sha256}", fname=file.path.replace("/", "_"),
            path=cache, downloader=pooch.HTTPDownloader(timeout=20))
    except ValueError:
        # pooch's error for a hash that differs
        raise NotAvailable(f"needs {file.path}, but {file.url} now serves another file; "
                           f"set {VARIABLE} to a folder that holds the original") from None
    except OSError:  # requests' errors are of this kind
        raise NotAvailable(f"needs {file.path}; set {VARIABLE} or connect to the network"
                           ) from None
    return Path(fetched)
