"""What scenarios of rigid bodies are made of; see `worldsim.simulator.mechanics.scene`.

>>> from worldsim.mechanics import MechanicalScene, ball, floor
"""

from worldsim.simulator.mechanics.scene import (
    STATES_PER_SECOND,
    UPRIGHT,
    Backdrop,
    Body,
    Freedom,
    Joint,
    Kick,
    Link,
    Look,
    Material,
    MechanicalHidden,
    MechanicalScene,
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

__all__ = [
    "STATES_PER_SECOND",
    "UPRIGHT",
    "Backdrop",
    "Body",
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
