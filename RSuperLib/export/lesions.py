"""How lesions are called, coloured and coded in a segmentation."""

from __future__ import annotations

from RSuperLib.agreement.schema import Agreement, Lesion
from RSuperLib.anatomy import organ_parts, part
from RSuperLib.anatomy.codes import category_code, mass_code, side_code
from RSuperLib.export.colours import lesion_colour
from RSuperLib.export.seg_nrrd import NO_CODE, Segment, Terminology


def lesion_segments(agreement: Agreement) -> list[Segment]:
    """One segment per lesion of `lesions.nii.gz`, in the order of `agreement.lesions`."""
    return [_segment(lesion) for lesion in agreement.lesions]


def _segment(lesion: Lesion) -> Segment:
    place = (lesion.parts[0] if lesion.parts else lesion.organ).replace("_", " ")
    return Segment(
        id=f"lesion_{lesion.label}",
        label=lesion.label,
        name=f"Lesion {lesion.label}, {place}",
        colour=lesion_colour(lesion.label),
        terminology=_terminology(lesion),
        tags={"RSuper.Organ": lesion.organ, "RSuper.Parts": " ".join(lesion.parts)},
    )


def _terminology(lesion: Lesion) -> Terminology:
    """The region is the organ with its side: Slicer's regions do not name segments of the liver and the like.

    A lesion of a report is a mass until someone says what it is.
    """
    region = part(lesion.organ).code if organ_parts(lesion.organ) else None
    side = side_code(part(lesion.parts[0]).side) if lesion.parts else None
    return Terminology(category_code(), mass_code(), region=region or NO_CODE, region_modifier=side or NO_CODE)
