"""Part masks of a case: pieces of anatomy by name, and which of them make up an organ."""

from RSuperLib.anatomy.diameters import lesion_diameters
from RSuperLib.anatomy.loading import load_parts
from RSuperLib.anatomy.parts import Parts, no_parts
from RSuperLib.anatomy.table import Part, canonical_name, organ_parts, part, related

__all__ = [
    "Part",
    "Parts",
    "canonical_name",
    "lesion_diameters",
    "load_parts",
    "no_parts",
    "organ_parts",
    "part",
    "related",
]
