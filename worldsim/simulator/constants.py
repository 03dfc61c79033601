"""Constants of nature that water and bodies share."""

GRAVITY = 9.80665
"""Acceleration of gravity, m s-2: standard gravity (3rd CGPM, 1901)."""

SEAWATER_DENSITY = 1025.0
"""kg m-3; UNESCO EOS-80 (Fofonoff & Millard 1983) gives 1024.8 at 35 g/kg and 20 °C; rounded."""

COUPLING_STEP = 0.05
"""s between exchanges of water and bodies: a bore moves about a quarter of a cell in it."""
