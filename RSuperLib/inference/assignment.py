"""Which of its candidate places each lesion gets, all lesions together, so that none takes another one's place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from RSuperLib.inference.candidate import Candidate

#: Two lesions may come as close as this share of the sum of their radii.
_CLOSEST = 0.8
#: So many partial assignments are kept from lesion to lesion.
_BEAM = 200


@dataclass(frozen=True)
class _Partial:
    """Choices for the first lesions, and the sum of their significances."""

    score: float = 0.0
    chosen: tuple[Candidate | None, ...] = ()


def assign(candidates: Sequence[Sequence[Candidate]]) -> list[Candidate | None]:
    """Choose at most one candidate per lesion: no two collide, the sum of significances is largest (beam search).

    Args:
        candidates: per lesion its possible places. Every significance is positive, so a lesion goes without only if all
            of its places are taken by better ones.
    """
    # Large lesions first: they have the fewest places.
    order = sorted(range(len(candidates)), key=lambda n: -max((c.radius_mm for c in candidates[n]), default=0.0))
    beam = [_Partial()]
    for lesion in order:
        options: list[Candidate | None] = [*candidates[lesion], None]
        grown = [
            _Partial(partial.score + (option.significance if option else 0.0), (*partial.chosen, option))
            for partial in beam
            for option in options
            if option is None or not any(other and collide(option, other) for other in partial.chosen)
        ]
        beam = sorted(grown, key=lambda partial: -partial.score)[:_BEAM]
    return [choice for _, choice in sorted(zip(order, beam[0].chosen, strict=True), key=lambda pair: pair[0])]


def collide(one: Candidate, other: Candidate) -> bool:
    """Whether two places are so close that they are the same lesion."""
    apart = float(np.linalg.norm(one.centre_mm - other.centre_mm))
    return apart < _CLOSEST * (one.radius_mm + other.radius_mm)
