"""Colours and light.

Light multiplies a colour by one number, so that shade and shadow leave hue and saturation alone
and instruments can classify by them: water has hue 185-225 degrees at a saturation above 0.2,
ground hue 25-110 at a low saturation, the sky a saturation below 0.15.
"""

from __future__ import annotations

import numpy as np
import torch

SUN_ELEVATION_DEG = 50.0
TOWARDS_SUN = np.array(
    [np.cos(np.radians(SUN_ELEVATION_DEG)), 0.0, np.sin(np.radians(SUN_ELEVATION_DEG))]
)
"""The sun stands over the land (+x), behind the street camera: the front of an incoming wave and
the walls that this camera sees are bright, and shadows fall seaward (-x), in the overhead picture
to the left. It stands in the x-z plane, so that pictures of a mirrored world are mirrored."""

AMBIENT, SUNLIGHT = 0.50, 0.62

SEABED = (196, 182, 150)
SAND = (218, 202, 168)
GRASS = (142, 156, 108)

SHALLOW = (86, 178, 196)
DEEP = (26, 96, 156)
FOAM = (186, 222, 236)
REFLECTED_SKY = (132, 184, 214)

HORIZON = (240, 236, 228)
ZENITH = (202, 210, 226)
CLEAR_DISTANCE, HAZE_DISTANCE = 400.0, 5000.0
"""Distance [m] up to which the air is clear, and beyond that the one that halves contrast."""

WATER_IN_SHADE = 0.68


def mix(first: np.ndarray, second: np.ndarray | np.floating, share: np.ndarray) -> np.ndarray:
    """first + (second - first) * share."""
    return first + (second - first) * share


def rgb(colour: tuple[int, int, int]) -> np.ndarray:
    """A colour (3, 1) to mix with colours (3, n)."""
    return np.array(colour, dtype=np.float32)[:, None]


def ramp(values: np.ndarray, start: float, end: float) -> np.ndarray:
    """0 up to `start`, 1 from `end` on, linear between."""
    return np.clip((values - np.float32(start)) * np.float32(1.0 / (end - start)), 0.0, 1.0)


def ramp_(values: torch.Tensor, start: float, end: float) -> torch.Tensor:
    """`ramp` in place."""
    return values.sub_(start).mul_(1.0 / (end - start)).clamp_(0.0, 1.0)


def ground_albedo(z: np.ndarray) -> np.ndarray:
    """Colour (3, n) of dry ground at height z [m] (n,): seabed, beach, grass."""
    colour = mix(rgb(SEABED), rgb(SAND), ramp(z, -0.6, 0.4))
    return mix(colour, rgb(GRASS), ramp(z, 1.0, 1.5))


def sunlit(normal_dot_sun: np.ndarray) -> np.ndarray:
    """Brightness of a matt surface in the sun."""
    return np.float32(AMBIENT) + np.float32(SUNLIGHT) * np.maximum(normal_dot_sun, 0.0)


def brightness_of_face(normal: np.ndarray, visible: np.ndarray) -> np.ndarray:
    """Brightness (n,) of bodies' faces with outward `normal` (n, 3); `visible` (n,) is 0 in the
    shadow. Unlit walls differ by where they face."""
    direct = np.float32(SUNLIGHT) * np.maximum(normal @ TOWARDS_SUN.astype(np.float32), 0.0)
    sky = np.float32(0.10) * normal[:, 2] - np.float32(0.05) * np.abs(normal[:, 1])
    return np.float32(AMBIENT) + direct * visible + sky


def water_colour(depth: np.ndarray, slope_x: np.ndarray, slope_y: np.ndarray,
                 foam: np.ndarray) -> np.ndarray:
    """Colour (3, …) of sunlit water seen from above.

    Parameters
    ----------
    depth : (…) [m]; shallow water is lighter.
    slope_x, slope_y : (…) gradient of the surface; slopes facing the sun are brighter.
    foam : (…) 0..1.
    """
    length = np.sqrt(np.float32(1.0) + slope_x * slope_x + slope_y * slope_y)
    sun_x, _, sun_z = TOWARDS_SUN.astype(np.float32)
    towards_sun = (sun_z - slope_x * sun_x) / length

    def spread(colour: tuple[int, int, int]) -> np.ndarray:
        return np.array(colour, dtype=np.float32).reshape(3, *[1] * depth.ndim)

    colour = mix(spread(SHALLOW), spread(DEEP), depth / (depth + np.float32(1.6)))
    colour = mix(colour, spread(FOAM), np.float32(0.85) * foam)
    # Stronger than a matt surface's, so that long low waves are seen.
    return colour * np.clip(np.float32(1.0) + np.float32(1.6) * (towards_sun - sun_z), 0.55, 1.15)


def mirrored_share(upward: np.ndarray) -> np.ndarray:
    """Share (n,) of `REFLECTED_SKY` in water seen along directions with z component `upward`:
    the flatter the view, the more it mirrors."""
    flat = np.float32(1.0) - np.minimum(np.abs(upward), 1.0)
    return np.float32(0.5) * flat * flat * flat


def sky_colour(upward: np.ndarray) -> np.ndarray:
    """Colour (3, n) of the sky by the z component (n,) of the unit direction of view."""
    height = np.clip(upward * np.float32(10.0), 0.0, 1.0)
    return mix(rgb(HORIZON), rgb(ZENITH), height)


def haze(colour: torch.Tensor, distance: torch.Tensor) -> torch.Tensor:
    """Colours (…, 3, n) as seen through `distance` (…, 1, n) [m] of air; nothing within
    `CLEAR_DISTANCE`."""
    far = distance.clamp(max=1e6).sub_(CLEAR_DISTANCE).clamp_(min=0.0)
    share = far.div_(far + HAZE_DISTANCE)
    return (torch.from_numpy(rgb(HORIZON)) - colour).mul_(share).add_(colour)
