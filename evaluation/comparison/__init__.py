"""Emergent damage, deaths and evacuation beside published curves and tables: never fitted."""
