"""What a report says about the body, which no rule may touch: sizes, densities, levels, images, scores, doses."""

from __future__ import annotations

import re
from functools import cache

from RSuperLib.report.deidentify.words import common_words

_NUMBER = r"\d+(?:[.,]\d+)?"
_SEVERAL = rf"{_NUMBER}(?:\s?(?:x|×|by|-|–|/|to|and|or|bij|en|tot)\s?{_NUMBER}){{0,4}}"
_NAMED = (
    r"(?:series|serie|image|images|ima?|img|se|ser|slice|slices|coupe|beeld|segments?|segment|zone|stage|grade|graad|stadium"
    r"|category|categorie|type|class|score|couinaud|bosniak|gleason|birads|bi-rads|li-rads|lr|pi-rads|ti-rads|o-rads"
    r"|lung-rads|child-pugh|fuhrman|isup|who|asa|deauville|fleischner)"
)
_LEVEL = r"(?:C[1-8]|T(?:1[0-2]|[1-9])|L[1-6]|S[1-5])"
_PATTERNS = (
    r"(?<![\w.,-])[<>~≤≥±-]?{several}\s?-?(?:{units})(?![\w])",
    r"(?<!\w)[-–]?{number}\s?(?:HU|H\.U\.)",
    r"(?<!\w){named}\s?[-#:]?\s?{number}(?:\s?[-/,]\s?\d+)*(?!\w)",
    r"(?<![\w-]){level}(?:\s?[-/–]\s?(?:{level}|\d{{1,2}}))*(?![\w-])",
    r"sister\s+mary\s+joseph",
    r"(?<!\w)[cpyr]{{0,2}}T[0-4isx][a-d]?\s?N[0-3x][a-c]?\s?M[01x][a-c]?(?!\w)",
)


def clinical_spans(text: str) -> list[tuple[int, int]]:
    """Spans of measurements and other clinical numbers."""
    return [match.span() for pattern in _compiled() for match in pattern.finditer(text)]


@cache
def _compiled() -> tuple[re.Pattern[str], ...]:
    parts = {"several": _SEVERAL, "number": _NUMBER, "named": _NAMED, "level": _LEVEL, "units": common_words().units}
    return tuple(re.compile(pattern.format(**parts), re.IGNORECASE) for pattern in _PATTERNS)
