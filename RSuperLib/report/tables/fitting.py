"""How the lesions of a report become rows: fifteen a CT and ten a region are what the training code takes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from RSuperLib.report.schema import Finding
from RSuperLib.report.tables.values import MULTIPLE, UNKNOWN, is_group, places_of, size_text

#: Rows of one CT; the published code drops those above.
MOST_ROWS = 15
#: Rows of one region of an organ; the published loader has room for ten sizes.
MOST_IN_REGION = 10


@dataclass(frozen=True)
class Fit:
    """Rows that a CT's lesions get.

    Attributes:
        sizes: for each lesion the size of each of its rows; an empty list = it was left out.
        unknown: organs of which the table does not know every size; the training code skips them.
    """

    sizes: list[list[str]]
    unknown: frozenset[str]


def row_sizes(finding: Finding) -> list[str]:
    """The sizes of a lesion's rows if there is room: one row a lesion, `multiple` for those that were not counted."""
    size = size_text(finding)
    if not is_group(finding):
        return [size]
    if finding.count_kind == "exact" and finding.count and 1 < finding.count <= MOST_IN_REGION:
        return [size, *[UNKNOWN] * (finding.count - 1)]
    return [MULTIPLE] if size == UNKNOWN else [size, MULTIPLE]


def possible_sizes(finding: Finding) -> list[list[str]]:
    """The rows that a lesion may have, from the fullest to the shortest."""
    full, size = row_sizes(finding), size_text(finding)
    if not is_group(finding):
        return [full]
    short = [MULTIPLE] if size == UNKNOWN else [size, MULTIPLE]
    return [full, short, [MULTIPLE]]


def fit(lesions: Sequence[Finding]) -> Fit:
    """Share the rows among the lesions, in the report's order, after each organ got one.

    An organ that lost all its rows would be taught as free of lesions; one that lost some has unknown sizes.
    """
    sharing = _Sharing(lesions)
    firsts = {finding.organ: number for number, finding in reversed(list(enumerate(lesions)))}
    waiting = set(firsts)
    for number in sorted(firsts.values()):
        waiting.discard(lesions[number].organ)
        sharing.take(number, reserve=len(waiting))
    for number in range(len(lesions)):
        if not sharing.sizes[number]:
            sharing.take(number, reserve=0)
    rows = zip(lesions, sharing.sizes, strict=True)
    unknown = {finding.organ for finding, sizes in rows if not sizes or {UNKNOWN, MULTIPLE} & set(sizes)}
    return Fit(sharing.sizes, frozenset(unknown))


class _Sharing:
    def __init__(self, lesions: Sequence[Finding]) -> None:
        self._lesions = lesions
        self.sizes: list[list[str]] = [[] for _ in lesions]

    def take(self, number: int, reserve: int) -> None:
        """Give a lesion the fullest rows that fit; `reserve` rows stay free."""
        free = min(MOST_ROWS - reserve - sum(map(len, self.sizes)), MOST_IN_REGION - self._in_region(number))
        fitting = (sizes for sizes in possible_sizes(self._lesions[number]) if len(sizes) <= free)
        self.sizes[number] = next(fitting, [])

    def _in_region(self, number: int) -> int:
        """Rows of lesions whose places hang together with this one's; the loader puts them into one sample."""
        organ = self._lesions[number].organ
        region = set(places_of(self._lesions[number]))
        taken = [
            (set(places_of(lesion)), len(sizes))
            for lesion, sizes in zip(self._lesions, self.sizes, strict=True)
            if lesion.organ == organ
        ]
        while any(region & places and not places <= region for places, _ in taken):
            region = region.union(*(places for places, _ in taken if region & places))
        return sum(rows for places, rows in taken if region & places or (not places and not region))
