"""How a dissolved tracer spreads and decays. Scenes declare it: it brings no torch along."""

from dataclasses import dataclass

from worldsim.errors import InputError

LARGEST = 1e3  # m2/s, no mixing in water is stronger; catches wrong units


@dataclass(frozen=True)
class Transport:
    """How a dissolved tracer spreads and decays.

    decay : k [1/s], first order.
    longitudinal, transverse : dispersion along and across the flow over h u* [1], with the shear
        velocity u* = sqrt(g) n |u| / h^(1/6) (Elder 1959, J. Fluid Mech. 5:544: the former is
        0.4041/kappa^3 + kappa/6 of a logarithmic profile, kappa = 0.41, the latter measured).
        Both are uncertain by half (Fischer et al. 1979, Mixing in Inland and Coastal Waters).
    diffusivity : D [m2/s] in all directions, in addition, also in still water.

    Errors: InputError for values that are negative, not finite or out of range.
    """

    decay: float = 0.0
    longitudinal: float = 5.93
    transverse: float = 0.23
    diffusivity: float = 0.0

    def __post_init__(self) -> None:
        for name, unit in (
            ("decay", "1/s"),
            ("longitudinal", "h u*"),
            ("transverse", "h u*"),
            ("diffusivity", "m2/s"),
        ):
            value = getattr(self, name)
            if not 0.0 <= value <= LARGEST:
                raise InputError(
                    f"transport: {name} = {value} {unit} must lie from 0 to {LARGEST:g} {unit}"
                )
        if self.longitudinal < self.transverse:
            raise InputError(
                f"transport: longitudinal = {self.longitudinal} is below transverse = "
                f"{self.transverse}; water disperses at least as much along the flow as across"
            )
