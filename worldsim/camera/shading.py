"""Colours and light.

Light multiplies a colour by one number, so that shade and shadow leave hue and saturation alone
and instruments can classify by them: water has hue 185-225 degrees at a saturation above 0.2,
ground hue 25-110 at a low saturation, the sky a saturation below 0.15.
"""

from __future__ import annotations

import numpy as np

SUN_ELEVATION_DEG = 50.0
# In the x-z plane, so that pictures of a mirrored world are mirrored pictures; over the land,
# behind the street camera, so that the front of an incoming wave is bright.
TOWARDS_SUN = np.array(
    [np.cos(np.radians(SUN_ELEVATION_DEG)), 0.0, np.sin(np.radians(SUN_ELEVATION_DEG))]
)

AMBIENT, SUNLIGHT = 0.50, 0.62

SEABED = (196, 182, 150)
SAND = (218, 202, 168)
GRASS = (142, 156, 108)
ASPHALT = (132, 129, 122)

SHALLOW = (86, 178, 196)
DEEP = (26, 96, 156)
FOAM = (186, 222, 236)
REFLECTED_SKY = (132, 184, 214)

HORIZON = (238, 234, 226)
ZENITH = (186, 198, 218)
HAZE_DISTANCE = 1500.0


def mix(first: np.ndarray, second: np.ndarray, share: np.ndarray) -> np.ndarray:
    """first + (second - first) * share."""
    return first + (second - first) * share


def _rgb(colour: tuple[int, int, int]) -> np.ndarray:
    return np.array(colour, dtype=np.float32)[:, None]


def ramp(values: np.ndarray, start: float, end: float) -> np.ndarray:
    """0 up to `start`, 1 from `end` on, linear between."""
    return np.clip((values - np.float32(start)) * np.float32(1.0 / (end - start)), 0.0, 1.0)


def ground_albedo(x: np.ndarray, z: np.ndarray) -> np.ndarray:
    """Colour (3, n) of dry ground at x, z [m] (n,): seabed, beach, grass."""
    colour = mix(_rgb(SEABED), _rgb(SAND), ramp(z, -0.6, 0.4))
    return mix(colour, _rgb(GRASS), ramp(z, 1.0, 1.5))


def sunlit(normal_dot_sun: np.ndarray, visible: np.ndarray) -> np.ndarray:
    """Brightness of a matt surface: `visible` (n,) is 0 in the shadow."""
    return np.float32(AMBIENT) + np.float32(SUNLIGHT) * np.maximum(normal_dot_sun, 0.0) * visible


def ambient_of_face(normal: np.ndarray) -> np.ndarray:
    """Extra brightness (n,) of a body's face by where it faces, so that unlit walls differ."""
    return np.float32(0.10) * normal[:, 2] + np.float32(0.05) * normal[:, 0]


def water_colour(
    depth: np.ndarray, slope_x: np.ndarray, slope_y: np.ndarray, foam: np.ndarray,
    towards_eye: np.ndarray, visible: np.ndarray,
) -> np.ndarray:
    """Colour (3, n) of a water surface.

    Parameters
    ----------
    depth : (n,) [m]; shallow water is lighter.
    slope_x, slope_y : (n,) gradient of the surface; slopes facing the sun are brighter.
    foam : (n,) 0..1. towards_eye : (3, n) or (3, 1) unit vectors. visible : (n,) 0 in shadow.
    """
    length = np.sqrt(np.float32(1.0) + slope_x * slope_x + slope_y * slope_y)
    sun_x, _, sun_z = TOWARDS_SUN.astype(np.float32)
    towards_sun = (sun_z - slope_x * sun_x) / length
    facing_eye = (towards_eye[2] - slope_x * towards_eye[0] - slope_y * towards_eye[1]) / length
    grazing = np.clip(np.float32(1.0) - facing_eye, 0.0, 1.0)
    grazing = grazing * grazing
    colour = mix(_rgb(SHALLOW), _rgb(DEEP), depth / (depth + np.float32(1.6)))
    colour = mix(colour, _rgb(REFLECTED_SKY), np.float32(0.65) * grazing * grazing)
    colour = mix(colour, _rgb(FOAM), np.float32(0.85) * foam)
    # Stronger than a matt surface's, so that long low waves are seen.
    relief = np.clip(np.float32(1.0) + np.float32(1.6) * (towards_sun - sun_z), 0.55, 1.35)
    return colour * (relief * (np.float32(0.68) + np.float32(0.32) * visible))


def sky_colour(upward: np.ndarray) -> np.ndarray:
    """Colour (3, n) of the sky by the z component (n,) of the unit direction of view."""
    height = np.clip(upward * np.float32(2.0), 0.0, 1.0)
    return mix(_rgb(HORIZON), _rgb(ZENITH), height)


def haze(colour: np.ndarray, distance: np.ndarray) -> np.ndarray:
    """Colours (3, n) as seen through `distance` (n,) [m] of air; nothing within 250 m."""
    far = np.maximum(distance - np.float32(250.0), 0.0)
    return mix(colour, _rgb(HORIZON), far / (far + np.float32(HAZE_DISTANCE)))
