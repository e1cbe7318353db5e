"""The output channels of a network: lesions of an organ, or pieces of anatomy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import get_args

from RSuperLib.anatomy import canonical_name, organ_parts, part
from RSuperLib.io.errors import InputError
from RSuperLib.report.schema import Organ

_LESION = "_lesion"
#: Names of the published class list that differ from ours.
_PUBLISHED = {"pancreatic": "pancreas"}
#: A voxel's classes are kept as bits of 64.
MOST_CLASSES = 64


@dataclass(frozen=True)
class OutputClass:
    """One channel.

    Attributes:
        name: as the settings name it: `liver_lesion`, `kidney_left`.
        organ: organ of findings that a lesion class stands for; None for anatomy.
    """

    name: str
    organ: Organ | None = None

    @property
    def is_lesion(self) -> bool:
        """Whether it is what reports speak of."""
        return self.organ is not None

    @property
    def has_side(self) -> bool:
        """Whether left and right are told apart in it, so that a mirrored patient would be labelled wrongly."""
        return self.organ is None and part(self.name).side is not None


def output_classes(names: Sequence[str]) -> list[OutputClass]:
    """The classes of these names, in order.

    Raises:
        InputError: a name is unknown or given twice, there is none or there are too many.
    """
    if not 1 <= len(names) <= MOST_CLASSES or len(set(names)) < len(names):
        raise InputError(f"The classes are not 1 to {MOST_CLASSES} different names.", 'Name them: ["liver_lesion"].')
    return [_output_class(name) for name in names]


def _output_class(name: str) -> OutputClass:
    if not name.endswith(_LESION):
        return OutputClass(canonical_name(name))
    stem = name.removesuffix(_LESION)
    organ = _PUBLISHED.get(stem, stem)
    if organ not in get_args(Organ):
        raise InputError(
            f"There is no organ for the class {name!r}.", "Lesion classes are called liver_lesion and so on."
        )
    return OutputClass(name, organ)  # type: ignore[arg-type]  # checked above


def search_parts(one: OutputClass) -> list[str]:
    """The parts in which this class is found: those of a lesion's organ, or the part itself."""
    return organ_parts(one.organ) if one.organ else [one.name]
