"""Validation of the simulator against exact solutions and measurements: `worldsim validate`."""
