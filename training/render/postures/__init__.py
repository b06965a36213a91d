"""All postures by name. To add one: subclass `base.Posture`, give it `trunk` and `legs`, and list it here."""

from .base import Posture
from .chair import Seated
from .floor import LongSit, Prone, Supine, Supine9090, SupineStraight
from .side import SidelyingAbducted, SidelyingStrength, ZstConfidence, ZstFulfillment
from .upright import FirstPosition, Lunge, Standing, StandingToePivot

POSTURES: dict[str, type[Posture]] = {
    "seated": Seated,
    "standing": Standing,
    "standing_toe_pivot": StandingToePivot,
    "lunge": Lunge,
    "longsit": LongSit,
    "supine": Supine,
    "supine_straight": SupineStraight,
    "supine_90_90": Supine9090,
    "prone": Prone,
    "sidelying_abducted": SidelyingAbducted,
    "sidelying_strength": SidelyingStrength,
    "zst_confidence": ZstConfidence,
    "zst_fulfillment": ZstFulfillment,
    "first_position": FirstPosition,
}
CROPPED = tuple(name for name in POSTURES if name != "first_position")
"""Those of which crops for the leg network are made; it learned without the others."""
