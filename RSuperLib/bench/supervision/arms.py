"""The arms of the experiment: what each one learns from."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from RSuperLib.training.teaching import Silence

#: What the 200 CTs without masks teach by: `truth` and `reader` are readings of their own reports, `permuted` those of
#: other cases, `pseudo` the network's own masks after the first stage, `masks` their true masks; None = they do not.
Others = Literal["truth", "reader", "permuted", "pseudo", "masks"]


@dataclass(frozen=True)
class Arm:
    """One way to learn.

    Attributes:
        text: what it is, for tables.
        has_masks: whether the few cases with masks teach.
        others: what the others teach by.
        mode: of the losses.
        loss: settings of the losses that differ from the defaults.
        silence: what an organ means that a report does not mention.
    """

    text: str
    has_masks: bool = True
    others: Others | None = "truth"
    mode: Literal["rsuper", "reference"] = "rsuper"
    loss: dict[str, Any] = field(default_factory=dict)
    silence: Silence = "unknown"


def _without(text: str, **loss: Any) -> Arm:
    return Arm(f"(c) without {text}", loss=loss)


#: The arms by their letters.
MAIN = {
    "a": Arm("few masks", others=None),
    "b": Arm("few masks and reports, as published", mode="reference", silence="negative"),
    "c": Arm("few masks and reports"),
    "d": Arm("masks of all cases (ceiling)", others="masks"),
    "e": Arm("reports alone", has_masks=False),
    "f": Arm("(c) with what the reader reads in the reports", others="reader"),
    "g": Arm("(c) with the reports of other cases", others="permuted"),
    "h": Arm("few masks and self-training on the other CTs", others="pseudo"),
}

#: (c) with one departure from the published method switched off.
ABLATIONS = {
    "c_reported_volume": _without("the reported volume", ball={"reported_volume": False}),
    "c_inside_part": _without("the search inside the part", ball={"inside_part": False}),
    "c_ellipsoid": _without("the ellipsoid", ball={"ellipsoid": False}),
    "c_own_counts": _without("means over own voxels", ball={"own_counts": False}),
    "c_joint": _without("placing lesions together", ball={"joint": False}),
    "c_compactness": _without("compactness", ball={"compactness": 0.0}),
    "c_empty_dice": _without(
        "a gradient on empty targets", ball={"empty_dice_mm3": 0.0}, segmentation={"empty_dice_mm3": 0.0}
    ),
    "c_negatives": _without("volume 0 where no lesion is reported", volume={"negatives": False}),
    "c_active_only": _without("means over what teaches", volume={"active_only": False}),
    "c_inexact_sizes": _without("lesions of inexact size", report={"inexact_sizes": False}),
    "c_certainty": _without("weights by certainty", report={"certainty": False}),
    "c_slice_hints": _without("image numbers", report={"slice_hints": False}),
    "c_attenuation": _without("the attenuation term", report={"attenuation_weight": 0.0}),
    "c_silence": Arm("(c) with silence taken as no lesion", silence="negative"),
}

ARMS = MAIN | ABLATIONS
