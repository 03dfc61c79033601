"""Where what can be made again is kept."""

from __future__ import annotations

import os
from pathlib import Path

FOLDER_VARIABLE = "WORLDSIM_CACHE"
"""Environment variable that names the folder."""


def cache_folder() -> Path:
    """The environment variable WORLDSIM_CACHE, else the user's cache folder. Everything in it can
    be deleted at any time; it is made again."""
    from platformdirs import user_cache_dir

    return Path(os.environ.get(FOLDER_VARIABLE) or user_cache_dir("worldsim"))
