"""`worldsim doctor` names what is missing and what to do, and fails only for what is needed."""

from worldsim.cli import doctor, main


def test_every_trial_of_this_machine_is_one_line(capsys):
    status = main(["doctor"])
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == len(doctor.TRIALS)
    assert status == any(line.startswith("MISSING") for line in lines)


def test_without_ffmpeg_it_says_what_to_install(monkeypatch, tmp_path, capsys):
    import sys

    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setitem(sys.modules, "imageio_ffmpeg", None)
    monkeypatch.setattr(doctor, "TRIALS", (doctor.ffmpeg,))
    assert main(["doctor"]) == 1
    printed = capsys.readouterr().out
    assert printed.startswith("MISSING") and "install" in printed


def test_what_is_not_needed_does_not_fail_it(monkeypatch, tmp_path, capsys):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(doctor, "TRIALS", (doctor.compiler,))
    assert main(["doctor"]) == 0
    assert capsys.readouterr().out.startswith("missing")
