"""The colours of lesions, the same in pictures, in seg.nrrd and in the Slicer panel."""

from __future__ import annotations

#: Colours that stay apart for the three common kinds of colour blindness and stand out from grey CT on a dark page.
#: After the set of Okabe and Ito (2008, "Color Universal Design"), without black and lightened where made for paper.
_LESION_COLOURS = (
    (255, 176, 46),
    (86, 188, 245),
    (60, 214, 160),
    (240, 130, 190),
    (246, 236, 96),
    (255, 100, 72),
    (150, 140, 255),
)


def lesion_colour(label: int) -> tuple[float, float, float]:
    """Red, green and blue (0 to 1) of lesion `label` (1, 2, …); after seven the colours come again.

    Raises:
        ValueError: `label` is the background (0) or negative.
    """
    if label < 1:
        raise ValueError("lesions are numbered from 1; 0 is the background")
    red, green, blue = _LESION_COLOURS[(label - 1) % len(_LESION_COLOURS)]
    return red / 255, green / 255, blue / 255
