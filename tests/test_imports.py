"""`import worldsim` and the command line's help stay light; public names resolve to one thing."""

import json
import subprocess
import sys
import time

import pytest

HEAVY = ("torch", "mujoco", "xarray", "numpy", "matplotlib", "scipy")


def loaded_after(code: str) -> list[str]:
    """Which heavy packages a fresh interpreter has imported after running `code`."""
    probe = (f"{code}\nimport sys, json\n"
             f"print(json.dumps([m for m in {HEAVY!r} if m in sys.modules]))")
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def test_the_probe_would_notice_a_heavy_import():
    assert loaded_after("import xarray") == ["xarray", "numpy"]


def test_importing_worldsim_imports_nothing_heavy():
    assert loaded_after("import worldsim; dir(worldsim); worldsim.__version__") == []


@pytest.mark.parametrize("args", [["--help"], [], ["--version"], ["rum"]])
def test_help_imports_nothing_heavy(args):
    assert loaded_after(f"from worldsim.cli import main; main({args!r})") == []


def test_a_verbs_help_imports_neither_torch_nor_mujoco_nor_xarray():
    code = """
from worldsim.cli import main
for verb in ("run", "simulate"):
    for args in ([verb, "--help"], [verb, "tsunami", "--help"]):
        try:
            main(args)
        except SystemExit as stop:
            assert not stop.code
"""
    assert not {"torch", "mujoco", "xarray"} & set(loaded_after(code))


def test_help_answers_at_once(record_property):
    """The time is recorded; only a gross slip (an import of torch takes seconds) fails."""
    times = []
    for _ in range(3):
        begun = time.perf_counter()
        subprocess.run([sys.executable, "-m", "worldsim", "--help"], check=True,
                       capture_output=True)
        times.append(time.perf_counter() - begun)
    record_property("worldsim_help_seconds", min(times))
    print(f"worldsim --help: {min(times):.3f} s")
    assert min(times) < 5


def test_every_public_name_resolves():
    import worldsim

    for name in worldsim.__all__:
        assert getattr(worldsim, name) is not None
        assert name in dir(worldsim)


def test_query_is_the_function_whatever_was_imported_before():
    code = """
import importlib
importlib.import_module("worldsim.query")
import worldsim
from worldsim.query import Query, query
assert worldsim.query is query and worldsim.Query is Query
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_an_unknown_name_is_an_attribute_error():
    import worldsim

    with pytest.raises(AttributeError, match="no attribute 'sweeep'"):
        _ = worldsim.sweeep
