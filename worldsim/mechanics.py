"""What scenarios of rigid bodies are made of; see `worldsim.simulator.mechanics.bodies` and
`worldsim.simulator.mechanics.scene`.

>>> from worldsim.mechanics import MechanicalScene, ball, floor
"""

from worldsim.simulator.mechanics.bodies import (
    UPRIGHT,
    Body,
    Colour,
    Freedom,
    Joint,
    Look,
    Material,
    Part,
    Pattern,
    Quaternion,
    Role,
    Shape,
    Vector,
    ball,
    block,
    fixture,
    floor,
)
from worldsim.simulator.mechanics.scene import (
    STATES_PER_SECOND,
    Backdrop,
    Kick,
    Link,
    MechanicalHidden,
    MechanicalScene,
)

__all__ = [
    "STATES_PER_SECOND",
    "UPRIGHT",
    "Backdrop",
    "Body",
    "Colour",
    "Freedom",
    "Joint",
    "Kick",
    "Link",
    "Look",
    "Material",
    "MechanicalHidden",
    "MechanicalScene",
    "Part",
    "Pattern",
    "Quaternion",
    "Role",
    "Shape",
    "Vector",
    "ball",
    "block",
    "fixture",
    "floor",
]
