"""One case of training clips as one file: packed without loss, checked when it is read.

A file ``case_NNNNNN.safetensors`` holds the case's arrays (a uint8 video (time, row, column, 3) for
each camera, and whatever else is kept), its parameters and checksums of these and of what the
arrays were before they were packed. It is written whole or not at all. A case whose simulation
failed its audit leaves only a ``failed_NNNNNN.json`` that says why: nobody should learn from it.

An array is packed by zlib; a video first by its frame differences where that makes it smaller. Of
six videos of the tsunami (70 frames of 64x96, 1290 kB) that leaves 146 kB on average, read in 4 ms;
of twelve of falling and colliding balls (40 to 60 frames of 64x64, 676 kB) 18 kB in 2 ms. Zstandard
leaves 139 and 16 kB, lossless H.264 144 and 22 kB (in 100 ms), FFV1 217 and 94 kB, LZMA 133 and
16 kB (in 10 ms, but written in 420 ms instead of 50): none is worth another dependency or a program
to call.
"""

from __future__ import annotations

import hashlib
import json
import time
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from worldsim.atomic import written_whole
from worldsim.errors import InputError

LEVEL = 6
"""Of zlib; 9 takes six times as long for 3% less."""

ABANDONED = 600.0
"""s after which a partial file is taken to be left over from a process that was killed."""

Packing = dict[str, Any]
"""How an array was packed: its ``dtype`` and ``shape``, and whether its ``changes`` were."""


def case_file(directory: Path, case: int) -> Path:
    """Where the clips of one case are stored."""
    return directory / f"case_{case:06d}.safetensors"


def failure_file(directory: Path, case: int) -> Path:
    """Where it is noted that the simulation of a case failed its audit, and why."""
    return directory / f"failed_{case:06d}.json"


def stored_cases(directory: Path) -> list[int]:
    """Numbers of the cases that are stored."""
    return sorted(int(path.stem.removeprefix("case_"))
                  for path in directory.glob("case_*.safetensors"))


def failed_cases(directory: Path) -> list[int]:
    """Numbers of the cases that were simulated, and whose audit failed."""
    return sorted(int(path.stem.removeprefix("failed_"))
                  for path in directory.glob("failed_*.json"))


def remove_abandoned(directory: Path) -> None:
    """Delete what killed processes were writing; others may be writing now, so only what is old."""
    for path in directory.glob(".*_*.*.*"):
        try:
            if time.time() - path.stat().st_mtime > ABANDONED:
                path.unlink()
        except FileNotFoundError:
            pass  # its writer has just finished it


def write_failure(directory: Path, case: int, why: Sequence[str]) -> None:
    """Note that a case failed its audit."""
    with written_whole(failure_file(directory, case)) as path:
        path.write_text(json.dumps(list(why)))


def write_case(directory: Path, case: int, parameters: Mapping[str, float],
               arrays: Mapping[str, np.ndarray]) -> None:
    """Store one case: `arrays` has a video for each camera, and whatever else is to be kept."""
    packed, packings = {}, {}
    for name, array in arrays.items():
        packed[name], packings[name] = pack(np.ascontiguousarray(array))
    codes = json.dumps(dict(parameters))
    with written_whole(case_file(directory, case)) as path:
        save_file(packed, path, metadata={
            "case": str(case), "parameters": codes, "parameters_sha256": _checksum_of_text(codes),
            "sha256": _checksum(arrays), "packing": json.dumps(packings)})


def read_case(directory: Path, case: int) -> tuple[dict[str, float], dict[str, np.ndarray]]:
    """Parameters (codes) and arrays of one case, packed or (from an earlier version) plain.

    Raises
    ------
    InputError : the file is truncated, or its content does not match its checksum.
    """
    path = case_file(directory, case)
    try:
        with safe_open(path, framework="numpy") as file:
            stored = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            metadata = file.metadata()
        packings = json.loads(metadata.get("packing", "{}"))
        arrays = {name: unpack(array, packings[name]) if name in packings else array
                  for name, array in stored.items()}
        codes, whole = metadata["parameters"], metadata["sha256"]
        parameters = json.loads(codes)
    except (SafetensorError, OSError, ValueError, TypeError, KeyError, AttributeError,
            zlib.error) as error:
        raise InputError(f"{path} cannot be read ({error}); delete it and make it again") from error
    # Earlier versions stored none of the parameters.
    told = metadata.get("parameters_sha256", _checksum_of_text(codes))
    if _checksum(arrays) != whole or _checksum_of_text(codes) != told:
        raise InputError(f"{path} is damaged (checksum differs); delete it and make it again")
    return parameters, arrays


def pack(array: np.ndarray) -> tuple[np.ndarray, Packing]:
    """An array's content compressed, as uint8 (bytes,), and what `unpack` needs to know."""
    packing: Packing = {"dtype": array.dtype.str, "shape": array.shape, "changes": False}
    content = zlib.compress(array.tobytes(), LEVEL)
    if array.dtype == np.uint8 and array.ndim > 1:
        changes = array.copy()
        changes[1:] -= array[:-1]  # modulo 256
        shorter = zlib.compress(changes.tobytes(), LEVEL)
        if len(shorter) < len(content):
            packing["changes"], content = True, shorter
    return np.frombuffer(content, np.uint8), packing


def unpack(packed: np.ndarray, packing: Packing) -> np.ndarray:
    """The inverse of `pack`."""
    content = bytearray(zlib.decompress(packed.tobytes()))
    array = np.frombuffer(content, np.dtype(packing["dtype"])).reshape(packing["shape"])
    return np.cumsum(array, axis=0, dtype=array.dtype) if packing["changes"] else array


def _checksum_of_text(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _checksum(arrays: Mapping[str, np.ndarray]) -> str:
    digest = hashlib.sha256()
    for name in sorted(arrays):
        digest.update(name.encode() + np.ascontiguousarray(arrays[name]).tobytes())
    return digest.hexdigest()
