"""The camera: video from stored states, at any size, without simulating again and without OpenGL.

Rendering needs torch, MuJoCo and xarray; they are imported when it is first used, so that a
scenario can place its cameras without them.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from worldsim.camera.projection import (
    DEFAULT_CAMERAS,
    Camera,
    Domain,
    corner,
    overhead,
    side,
    street,
)

if TYPE_CHECKING:
    from worldsim.camera.film import GROUND, SKY, WATER
    from worldsim.camera.people import PERSON
    from worldsim.camera.rendering import camera_of, render
    from worldsim.camera.sheet import frame_grid

_LATE = {
    "frame_grid": "sheet",
    "GROUND": "film",
    "PERSON": "people",
    "SKY": "film",
    "WATER": "film",
    "camera_of": "rendering",
    "render": "rendering",
}

__all__ = [
    "DEFAULT_CAMERAS",
    "GROUND",
    "PERSON",
    "SKY",
    "WATER",
    "Camera",
    "Domain",
    "camera_of",
    "corner",
    "frame_grid",
    "overhead",
    "render",
    "side",
    "street",
]


def __getattr__(name: str) -> Any:
    if name not in _LATE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_LATE[name]}"), name)
