"""The wheel works in an empty environment outside the repository."""

import json
import os
import site
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation",
         "--wheel-dir", folder, ROOT], check=True)
    (built,) = folder.glob("worldsim-*.whl")
    return built


@pytest.fixture(scope="module")
def python(wheel, tmp_path_factory):
    """An environment with the wheel alone; its dependencies come from the running environment.

    The running environment's editable installation of worldsim adds the repository by a ``.pth``
    file; such files are only read in an environment's own site directory, so it stays out here.
    """
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, with_pip=False, symlinks=True)
    executable = folder / "bin" / "python"
    subprocess.run([sys.executable, "-m", "pip", "--python", executable, "install", "--quiet",
                    "--no-deps", wheel], check=True)
    (own,) = (folder / "lib").glob("python*/site-packages")
    (own / "dependencies.pth").write_text("\n".join(site.getsitepackages()) + "\n")
    return executable


def call(python, *args, cwd):
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    return subprocess.run([python, *args], cwd=cwd, env=environment, capture_output=True, text=True,
                          check=False)


def test_the_wheel_holds_all_three_packages_and_their_data(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    for package in ("worldsim", "scenarios", "evaluation"):
        assert f"{package}/__init__.py" in names
        in_repository = {
            str(path.relative_to(ROOT)) for path in (ROOT / package).rglob("*")
            if path.is_file() and "__pycache__" not in path.parts
        }
        assert in_repository <= set(names)
    assert any(name.endswith("licenses/LICENSE") for name in names)
    assert any(name.startswith("worldsim/checkpoints/") and name.endswith("model.safetensors")
               for name in names)
    assert not any(name.startswith("tests/") for name in names)


def test_the_installed_package_is_the_wheels_own(python, tmp_path):
    code = ("import worldsim, scenarios, evaluation\n"
            "print(worldsim.__file__, scenarios.__file__, evaluation.__file__)")
    done = call(python, "-c", code, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    for file in done.stdout.split():
        assert Path(file).is_relative_to(python.parents[1])
        assert not Path(file).is_relative_to(ROOT)


def test_the_console_script_lists_the_packaged_scenarios(python, tmp_path):
    done = subprocess.run([python.with_name("worldsim"), "scenarios", "--json"], cwd=tmp_path,
                          capture_output=True, text=True, check=True)
    assert "tsunami" in [scenario["name"] for scenario in json.loads(done.stdout)]


@pytest.mark.slow
def test_a_run_works_with_the_packaged_checkpoint(python, tmp_path):
    done = call(python, "-m", "worldsim", "run", "tsunami", "--cases", "1", "--realizations", "2",
                "--duration", "3", "--out", "runs/small", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    run = tmp_path / "runs" / "small"
    assert json.loads((run / "run.json").read_text())["definition"]["model"] == "worldsim-small"
    assert "report.html" in done.stdout and (run / "report.html").stat().st_size > 0
    assert [path.name for path in tmp_path.iterdir()] == ["runs"]
