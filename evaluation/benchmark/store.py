"""Entries of a content-addressed cache: trees of arrays in one checked file each.

A file is a line with the sha256 of what follows, then an npz archive: a header in JSON and one
array per variable. What is cut or changed does not match its sum and is made again, never trusted.
Nothing is pickled.
"""

from __future__ import annotations

import hashlib
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from worldsim.atomic import written_whole
from worldsim.cache import cache_folder as cache_folder

SUFFIX = ".entry"


def key_of(**inputs: Any) -> str:
    """First 32 digits of the sha256 of canonical JSON of the inputs."""
    text = json.dumps(inputs, sort_keys=True, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def save_entry(path: Path, tree: xr.DataTree) -> None:
    """Write a tree, whole or not at all; attributes must be JSON."""
    arrays: dict[str, np.ndarray] = {}
    nodes: dict[str, Any] = {}
    for node in tree.subtree:
        dataset = node.to_dataset(inherit=False)
        described: dict[str, Any] = {"attrs": dataset.attrs, "variables": {}}
        for name, variable in dataset.variables.items():
            label = str(len(arrays))
            values = np.asarray(variable.values)
            if values.dtype.kind in "OU":
                values = values.astype(str)
            arrays[label] = values
            described["variables"][str(name)] = {
                "array": label, "dims": list(variable.dims), "attrs": variable.attrs,
                "coordinate": name in dataset.coords,
            }
        nodes[node.path] = described
    header = np.frombuffer(json.dumps(nodes).encode(), dtype=np.uint8)
    buffer = io.BytesIO()
    np.savez_compressed(buffer, header=header, **arrays)  # type: ignore[arg-type]
    content = buffer.getvalue()
    with written_whole(path) as partial:
        partial.write_bytes(hashlib.sha256(content).hexdigest().encode() + b"\n" + content)


def load_entry(path: Path) -> xr.DataTree | None:
    """The tree in a file; None where there is none, or it is not what was written."""
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        return None
    digest, _, content = raw.partition(b"\n")
    if hashlib.sha256(content).hexdigest().encode() != digest:
        return None
    with np.load(io.BytesIO(content), allow_pickle=False) as stored:
        nodes = json.loads(stored["header"].tobytes())
        datasets = {}
        for place, described in nodes.items():
            variables = {
                name: xr.Variable(one["dims"], stored[one["array"]], one["attrs"])
                for name, one in described["variables"].items()
            }
            coords = {n: v for n, v in variables.items()
                      if described["variables"][n]["coordinate"]}
            data = {n: v for n, v in variables.items() if n not in coords}
            datasets[place] = xr.Dataset(data, coords=coords, attrs=described["attrs"])
    return xr.DataTree.from_dict(datasets)
