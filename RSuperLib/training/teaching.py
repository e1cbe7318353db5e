"""What a reading teaches about one CT: where lesions are unknown, and which parts hold lesions of which size.

Silence is not "no lesion": an organ that the report does not mention is unknown, unless the published way is asked for.
A report that could not be read teaches nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from RSuperLib.anatomy import Parts, organ_parts
from RSuperLib.report import Finding, Reading
from RSuperLib.training.classes import OutputClass

Mask = NDArray[np.bool_]
#: What an organ means that the report does not mention: nothing, or (as published) that it has no lesion.
Silence = Literal["unknown", "negative"]
#: What reports say of an organ without lesions.
_CLEAR = ("normal", "no_lesion", "absent")


@dataclass(frozen=True)
class Target:
    """Lesions that a report puts into one region: the parts that its findings name.

    Attributes:
        channel: the lesion class.
        parts: names of the parts; findings that share a part are in one target.
        findings: all findings of the region.
        region: (i, j, k) the union of the parts.
    """

    channel: int
    parts: tuple[str, ...]
    findings: tuple[Finding, ...]
    region: Mask


@dataclass(frozen=True)
class Teaching:
    """What one reading teaches, for the lesion classes of a network.

    Attributes:
        unknown: class to the voxels (i, j, k) that the report says nothing certain of.
        unknown_everywhere: classes of which nothing is known.
        present: class to whether the report says that there is a lesion; None = not stated.
        targets: the regions with lesions.
    """

    unknown: dict[int, Mask] = field(default_factory=dict)
    unknown_everywhere: frozenset[int] = frozenset()
    present: dict[int, bool | None] = field(default_factory=dict)
    targets: tuple[Target, ...] = ()


def teaching(reading: Reading, parts: Parts, classes: Sequence[OutputClass], silence: Silence = "unknown") -> Teaching:
    """What the reading of a CT with these parts teaches (see the module's text)."""
    result: dict[str, Any] = {"unknown": {}, "present": {}, "targets": ()}
    everywhere = set()
    for channel, one in enumerate(classes):
        if not one.is_lesion:
            continue
        findings = [finding for finding in reading.lesions if finding.organ == one.organ]
        result["present"][channel] = _present(reading, one, findings, silence)
        names = _uncertain_parts(reading, one, findings, parts, silence)
        if names is None:
            everywhere.add(channel)
        elif (mask := parts.region(names)) is not None:
            result["unknown"][channel] = mask
            result["targets"] += tuple(_targets(channel, findings, parts))
    return Teaching(unknown_everywhere=frozenset(everywhere), **result)


def finding_parts(finding: Finding, parts: Parts) -> tuple[str, ...]:
    """The parts that a finding leads to: those it names where they have masks, else those of its organ."""
    named = tuple(finding.organ_masks)
    return named if named and parts.holds(named) else tuple(organ_parts(finding.organ, finding.laterality))


def _present(reading: Reading, one: OutputClass, findings: list[Finding], silence: Silence) -> bool | None:
    if reading.status != "read":
        return None
    if findings:
        return True if any(finding.presence in ("present", "probable") for finding in findings) else None
    return None if _silent_sides(reading, one, silence) else False


def _uncertain_parts(
    reading: Reading, one: OutputClass, findings: list[Finding], parts: Parts, silence: Silence
) -> list[str] | None:
    """Parts in which lesions of the class are unknown; None = nothing is known anywhere."""
    if reading.status != "read":
        return None
    groups = [finding_parts(finding, parts) for finding in findings]
    groups += [tuple(organ_parts(str(one.organ), side)) for side in _silent_sides(reading, one, silence)]
    if any(not group or not parts.holds(group) for group in groups):
        return None
    return [name for group in groups for name in group]


def _silent_sides(reading: Reading, one: OutputClass, silence: Silence) -> list[str | None]:
    """Sides of the organ (None = all of it) that the report neither calls clear nor names a lesion of.

    A report that names a lesion of an organ is taken to name all that it has on that side.
    """
    if silence == "negative":
        return []
    organ = str(one.organ)
    told = {finding.laterality for finding in reading.lesions if finding.organ == organ}
    told |= {
        status.laterality
        for status in reading.organs
        if status.organ == organ and status.status in _CLEAR and status.region is None
    }
    has_sides = organ_parts(organ, "left") != organ_parts(organ)
    if not told or not has_sides or told & {None, "bilateral", "midline"}:
        return [] if told else [None]
    return [side for side in ("left", "right") if side not in told]


def _targets(channel: int, findings: Iterable[Finding], parts: Parts) -> list[Target]:
    """Findings in groups that share parts, directly or through others."""
    groups: list[tuple[set[str], list[Finding]]] = []
    for finding in findings:
        names, members = set(finding_parts(finding, parts)), [finding]
        for group in [group for group in groups if group[0] & names]:
            names |= group[0]
            members = group[1] + members
            groups.remove(group)
        groups.append((names, members))
    targets = []
    for names, members in groups:
        region = parts.region(names)
        if region is not None:
            targets.append(Target(channel, tuple(sorted(names)), tuple(members), region))
    return targets
