"""Part masks of a case: pieces of anatomy by name, and which of them make up an organ.

The names are imported when they are first asked for, so that who needs only the table of parts (the Slicer panel) needs
no package for reading files.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from RSuperLib.anatomy.diameters import craniocaudal_extent, lesion_diameters, upright_diameters
    from RSuperLib.anatomy.loading import load_parts
    from RSuperLib.anatomy.parts import Parts, no_parts
    from RSuperLib.anatomy.table import Part, canonical_name, organ_parts, part, related

__all__ = [
    "Part",
    "Parts",
    "canonical_name",
    "craniocaudal_extent",
    "lesion_diameters",
    "load_parts",
    "no_parts",
    "organ_parts",
    "part",
    "related",
    "upright_diameters",
]

_HOME = {
    **dict.fromkeys(("Part", "canonical_name", "organ_parts", "part", "related"), "table"),
    **dict.fromkeys(("Parts", "no_parts"), "parts"),
    **dict.fromkeys(("craniocaudal_extent", "lesion_diameters", "upright_diameters"), "diameters"),
    "load_parts": "loading",
}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
