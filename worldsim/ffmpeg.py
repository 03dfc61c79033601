"""Where ffmpeg is, and what it says."""

from __future__ import annotations

import shutil

from worldsim.errors import InputError


def find_ffmpeg() -> str:
    """Path of an ffmpeg program: the one on PATH, or else that of the package imageio-ffmpeg.

    Cheap (nothing is run), so that it can be asked before a long run.

    Raises
    ------
    InputError : there is none; the message says what to install.
    """
    on_path = shutil.which("ffmpeg")
    if on_path:
        return on_path
    try:
        import imageio_ffmpeg

        return imageio_ffmpeg.get_ffmpeg_exe()
    except (ImportError, RuntimeError):
        raise InputError(
            "video needs ffmpeg, which is not installed: run `apt-get install ffmpeg` or "
            "`pip install imageio-ffmpeg`"
        ) from None


def last_line(complaints: bytes) -> str:
    """The last thing that ffmpeg said, for a message of one line."""
    lines = complaints.decode(errors="replace").strip().splitlines()
    return lines[-1].strip() if lines else "nothing"
