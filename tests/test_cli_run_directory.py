"""A run directory is only ever continued by its own definition, and holds only whole outputs."""

import json

import pytest

from worldsim.errors import InputError
from worldsim.run_directory import RunDirectory, digest, read_record

DEFINITION = {"scenario": {"name": "tsunami", "version": 1, "parameters": {"wave_height": 6.0}},
              "seed": 0, "cases": 2}


def begin(path, definition=DEFINITION):
    return RunDirectory.claim(path, definition)


def test_claiming_writes_nothing(tmp_path):
    begin(tmp_path / "a")
    assert not (tmp_path / "a").exists()


def test_an_output_gets_its_name_only_when_it_is_whole(tmp_path):
    run = begin(tmp_path / "a")
    with run.opened("worldsim run", {}):
        with pytest.raises(KeyboardInterrupt), run.producing("scores.json") as path:
            path.write_text("half")
            raise KeyboardInterrupt
        assert not run.has("scores.json")
        with run.producing("scores.json") as path:
            path.write_text("whole")
    assert run.at("scores.json").read_text() == "whole"
    assert {p.name for p in run.path.iterdir()} == {"scores.json", "run.json"}


def test_a_directory_output_replaces_nothing_and_is_renamed_as_one(tmp_path):
    run = begin(tmp_path / "a")
    with run.opened("worldsim run", {}), run.producing("videos") as path:
        path.mkdir()
        (path / "one.mp4").write_bytes(b"1")
        assert not run.has("videos")
    assert run.at("videos/one.mp4").read_bytes() == b"1"


def test_the_same_definition_may_continue(tmp_path):
    run = begin(tmp_path / "a")
    with run.opened("worldsim run", {"torch": "2"}), run.producing("scores.json") as path:
        path.write_text("{}")
    again = begin(tmp_path / "a")
    assert again.has("scores.json")
    record = read_record(tmp_path / "a")
    assert record["definition"] == DEFINITION
    assert record["definition_sha256"] == digest(DEFINITION)


def test_a_larger_definition_continues_a_smaller_one(tmp_path):
    with begin(tmp_path / "a").opened("worldsim simulate", {}), \
            begin(tmp_path / "a").producing("truth.zarr") as path:
        path.mkdir()
    larger = begin(tmp_path / "a", {**DEFINITION, "model": "worldsim-small"})
    with larger.opened("worldsim run", {}):
        pass
    assert read_record(tmp_path / "a")["definition"]["model"] == "worldsim-small"
    with pytest.raises(InputError, match="another definition"):
        begin(tmp_path / "a", {**DEFINITION, "model": "mujoco"})


@pytest.mark.parametrize("other, named", [
    ({**DEFINITION, "seed": 1}, "seed 0 there, 1 here"),
    ({**DEFINITION, "scenario": {**DEFINITION["scenario"], "parameters": {"wave_height": 5.0}}},
     "wave_height 6.0 there, 5.0 here"),
])
def test_another_definition_is_refused_and_the_difference_named(tmp_path, other, named):
    run = begin(tmp_path / "a")
    with run.opened("worldsim run", {}), run.producing("scores.json") as path:
        path.write_text("{}")
    before = (tmp_path / "a" / "run.json").read_bytes()
    with pytest.raises(InputError, match=named):
        begin(tmp_path / "a", other)
    assert (tmp_path / "a" / "run.json").read_bytes() == before


def test_foreign_files_are_refused_and_left_alone(tmp_path):
    (tmp_path / "thesis.tex").write_text("years of work")
    with pytest.raises(InputError, match=r"thesis\.tex"):
        begin(tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["thesis.tex"]


def test_outputs_without_a_record_are_refused(tmp_path):
    (tmp_path / "scores.json").write_text("{}")
    with pytest.raises(InputError, match=r"no run\.json"):
        begin(tmp_path)


def test_a_file_in_place_of_the_directory_is_refused(tmp_path):
    (tmp_path / "a").write_text("")
    with pytest.raises(InputError, match="is a file"):
        begin(tmp_path / "a")


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", json.dumps({"schema_version": 1})])
def test_an_unreadable_record_is_refused_in_one_line(tmp_path, content):
    (tmp_path / "run.json").write_text(content)
    with pytest.raises(InputError, match=r"run\.json") as refused:
        begin(tmp_path)
    assert "\n" not in str(refused.value)


def test_two_processes_cannot_write_to_one_directory(tmp_path):
    run = begin(tmp_path / "a")
    with run.opened("worldsim run", {}):
        with pytest.raises(InputError, match="another process"), run.opened("worldsim run", {}):
            pass
        assert (tmp_path / "a" / "run.json").exists()


def test_a_directory_without_any_output_is_removed_again(tmp_path):
    run = begin(tmp_path / "a")
    with pytest.raises(KeyboardInterrupt), run.opened("worldsim run", {}):
        raise KeyboardInterrupt
    assert not (tmp_path / "a").exists()


def test_what_a_killed_process_left_half_written_is_swept(tmp_path):
    run = begin(tmp_path / "a")
    with run.opened("worldsim run", {}), run.producing("scores.json") as path:
        path.write_text("{}")
    (tmp_path / "a" / ".partial").mkdir()
    (tmp_path / "a" / ".partial" / "truth.zarr").write_text("half")
    with begin(tmp_path / "a").opened("worldsim run", {}):
        assert not (tmp_path / "a" / ".partial" / "truth.zarr").exists()
    assert not (tmp_path / "a" / ".partial").exists()
