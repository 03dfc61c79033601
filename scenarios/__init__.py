"""Definitions of scenarios, one file each; `worldsim` finds them by the entry-point group."""
