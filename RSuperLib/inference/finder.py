"""The weights-free finder: first lesion masks from a report and part masks, without a trained model.

Where the report says that a lesion is, the ball of the reported size whose inside fits the reported attenuation best,
and whose surroundings fit it least, is looked for; the voxels around it that stand out are the lesion. Docs/finder.md
has the formulas and the sources of the numbers.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from RSuperLib.anatomy import Parts, organ_parts, related
from RSuperLib.inference.assignment import assign
from RSuperLib.inference.attenuation import likelihood
from RSuperLib.inference.candidate import Candidate
from RSuperLib.inference.delineate import Ball, Box, Mask, Outline, delineate, distances
from RSuperLib.inference.search import Searcher, fills_organ
from RSuperLib.inference.sizes import expected_sizes, smaller_sizes
from RSuperLib.io import Progress, Volume, no_progress
from RSuperLib.report import Finding

#: How many places are kept per lesion for the joint assignment, at least.
_PLACES = 8
#: Further lesions of a group of unknown number must score so much, and so much of its best one.
_CLEAR_SCORE, _CLEAR_SHARE = 0.45, 0.7
#: At most so many lesions of one group are marked.
_MOST_OF_GROUP = 10


@dataclass(frozen=True)
class FinderResult:
    """What the finder found, on the CT's grid.

    Attributes:
        labels: (i, j, k) uint16, 0 = background, k = lesion k.
        likelihood: (i, j, k) float32, 0..1, around lesions; 0 where nothing was found.
        placed: `lesion_id` of a finding to its labels.
        reasons: `lesion_id` of a finding that is not, or not wholly, placed to why, a plain sentence.
    """

    labels: NDArray[np.uint16]
    likelihood: NDArray[np.float32]
    placed: dict[str, list[int]] = field(default_factory=dict)
    reasons: dict[str, str] = field(default_factory=dict)


def find_lesions(
    ct: Volume, findings: Sequence[Finding], parts: Parts, progress: Progress = no_progress
) -> FinderResult:
    """Look for the lesions that a report names. Nothing is asserted: a finding without a place gets a reason.

    Args:
        ct: the CT.
        findings: what the report says; findings that are no current lesions are left out.
        parts: part masks on the CT's grid.
        progress: told before every finding; may raise `Cancelled`.
    """
    result = FinderResult(np.zeros(ct.grid.shape, np.uint16, "F"), np.zeros(ct.grid.shape, np.float32, "F"))
    searcher = Searcher(ct, parts)
    lesions = [finding for finding in findings if finding.is_lesion]
    candidates: list[list[Candidate]] = []
    for number, finding in enumerate(lesions):
        progress("looking for lesions", 0.8 * number / len(lesions))
        candidates += _candidates(searcher, finding)
    chosen = [candidate for candidate in assign(candidates) if candidate]
    for number, candidate in enumerate(chosen):
        progress("outlining lesions", 0.8 + 0.2 * number / len(chosen))
        others = [other for other in chosen if other is not candidate]
        _mark(result, candidate, _outline(searcher, candidate, others))
    crowded_out = _ids(chain.from_iterable(candidates)) - _ids(chosen)
    for finding in lesions:
        if reason := _reason(searcher, finding, result, crowded_out):
            result.reasons[finding.lesion_id] = reason
    return result


def _ids(candidates: Iterable[Candidate]) -> set[str]:
    return {candidate.finding.lesion_id for candidate in candidates}


def _candidates(searcher: Searcher, finding: Finding) -> list[list[Candidate]]:
    """Per lesion that the finding speaks of, its possible places."""
    wanted = min(finding.count or 1, _MOST_OF_GROUP)
    places = searcher.places(finding, expected_sizes(finding), _PLACES + wanted)
    if not places:
        return []
    if finding.count is not None or finding.multiplicity != "multiple":
        further = searcher.places(finding, smaller_sizes(finding), _PLACES + wanted) if wanted > 1 else []
        return [places, *[further] * (wanted - 1)]
    least = max(_CLEAR_SCORE, _CLEAR_SHARE * places[0].score)
    further = [place for place in searcher.places(finding, smaller_sizes(finding), 3 * _PLACES) if place.score >= least]
    return [places, *[further] * (_MOST_OF_GROUP - 1)]


def _outline(searcher: Searcher, candidate: Candidate, others: Sequence[Candidate]) -> Outline | None:
    """The voxels of a lesion; those nearer to another one's centre, in radii, are left to that."""
    grid = searcher.ct.grid
    own = Ball(candidate.centre, candidate.size)
    others_balls = [Ball(other.centre, other.size) for other in others]

    def extent(box: Box) -> Mask:
        allowed = searcher.extent(candidate, box)
        nearest = distances(box, grid, own)
        for ball in others_balls:
            allowed &= nearest <= distances(box, grid, ball)
        return allowed

    def attenuation(hu: NDArray[np.float32]) -> NDArray[np.float32]:
        if fills_organ(candidate.size, candidate.space):
            return np.ones_like(hu)
        return likelihood(candidate.finding, hu, candidate.tissue)

    return delineate(searcher.ct.array, grid, own, extent, attenuation)


def _mark(result: FinderResult, candidate: Candidate, outline: Outline | None) -> None:
    """Write a lesion into the maps."""
    if outline is None:
        return
    label = 1 + sum(map(len, result.placed.values()))
    result.labels[outline.box][outline.mask] = label
    np.maximum(result.likelihood[outline.box], outline.likelihood, out=result.likelihood[outline.box])
    result.placed.setdefault(candidate.finding.lesion_id, []).append(label)


def _reason(searcher: Searcher, finding: Finding, result: FinderResult, crowded_out: set[str]) -> str:
    """Why a finding is not, or not wholly, placed; empty if it is."""
    placed = len(result.placed.get(finding.lesion_id, []))
    if placed >= (finding.count or 1):
        return ""
    where = finding.organ.replace("_", " ")
    if searcher.region(finding) is None:
        return f"{_missing_mask(searcher.parts, finding)}, so its lesion could not be looked for."
    if placed:
        return f"Only {placed} of {finding.count} lesions stand out from the {where} around them."
    if finding.lesion_id in crowded_out:
        return f"What stands out there in the {where} was already taken by another finding."
    return f"Nothing of the reported size and attenuation stands out in the {where}."


def _missing_mask(parts: Parts, finding: Finding) -> str:
    side = f"{finding.laterality} " if finding.laterality in ("left", "right") else ""
    where = f"{side}{finding.organ.replace('_', ' ')}"
    names = [*organ_parts(finding.organ, finding.laterality), *finding.organ_masks]
    if any(related(name, empty) for name in names for empty in parts.empty):
        return f"The mask of the {where} is empty"
    return f"There is no mask of the {where}"
