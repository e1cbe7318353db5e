"""One lesion, one finding: repeats in the conclusion and references back join the lesion they speak of."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from RSuperLib.report.assemble import Draft
from RSuperLib.report.mentions import Mention, with_kind
from RSuperLib.report.reasons import Reason
from RSuperLib.report.statements import Statement

#: What a body may call the lesions that the conclusion sums up as metastases.
_MAY_BE_METASTASES = ("metastasis", "indeterminate")
#: Rules of an organ that the lesion's own sentence does not name as its own.
_NO_PLACE_OF_ITS_OWN = ("organ_carried", "organ_beside", "organ_unknown")
_SIZE_SLACK = 0.10  # a conclusion that rounds 29 mm to 30 mm speaks of the same lesion
#: Sentences kept for one lesion; no report comes back to one as often, and more would only fill the memory.
_MOST_EVIDENCE = 100


class Story:
    """The findings of a report so far."""

    def __init__(self) -> None:
        self.drafts: list[Draft] = []
        self.last: list[Draft] = []

    def add(self, drafts: Iterable[Draft]) -> None:
        """Take in the findings of one sentence."""
        new: list[Draft] = []
        for draft in drafts:
            self._take_from_group(draft)
            known = self._known(draft) if draft.is_lesion else []
            for other in known:
                _join(other, draft)
            if not known:
                self.drafts.append(draft)
            # Each once: a name for two of them would double them, and their doubles, sentence by sentence.
            new += [told for told in known or [draft] if not any(told is other for other in new)]
        if new:
            self.last = new

    def refine(self, kinds: Iterable[Mention], evidence: tuple[int, int, str]) -> None:
        """Give the lesions of the last sentence the kind that this one names."""
        for kind in kinds:
            for draft in self.last:
                _take_kind(draft, kind)
                if len(draft.evidence) < _MOST_EVIDENCE:
                    draft.evidence.append(evidence)

    def question(self, statements: Iterable[Statement]) -> None:
        """Flag the lesions in organs that an addendum calls clear; a person must decide, so none is taken away."""
        clear = {s.organ for s in statements if s.section == "addendum" and s.status in ("normal", "no_lesion")}
        for draft in self.drafts:
            if draft.is_lesion and draft.place.organ in clear and draft.section != "addendum":
                draft.flags.append("denied_in_addendum")

    def _known(self, draft: Draft) -> list[Draft]:
        """The findings that a draft repeats."""
        candidates = [d for d in self.drafts if d.is_lesion and _compatible(d, draft)]
        if self._is_largest(draft) or self._elaborates(draft):
            return [d for d in self.last if _compatible(d, draft)][-1:]
        if (meant := self._meant_by_name(draft)) is not None:
            return meant
        if self._refers_back(draft):
            known = [d for d in self.last if d.is_lesion and _same_class(d, draft)]
            if draft.mention.head.kind == "tumour" and known and not any(_may_be_a_mass(d) for d in known):
                known = [d for d in self.drafts if d.is_lesion and d.mention.head.kind == "tumour"][-1:] or known
            return known or [d for d in candidates if _same_class(d, draft)][-1:]
        if draft.mention.definite and draft.section in ("findings", "addendum"):
            return self._named_again(draft, candidates) if draft.section == "findings" else self._corrected(draft)
        if draft.section in ("impression", "addendum"):
            return self._concluded(draft, [d for d in candidates if d.section != "impression"])
        return []

    @staticmethod
    def _named_again(draft: Draft, candidates: list[Draft]) -> list[Draft]:
        """The findings that "the left upper lobe nodule" can only mean."""
        again = [d for d in candidates if _same_class(d, draft) and _named_alike(d, draft)]
        return again if draft.mention.head.plural else again[-1:]

    def _meant_by_name(self, draft: Draft) -> list[Draft] | None:
        """The findings that "tethered to the mass" and "the nodules were evaluated as metastases" mean, else None."""
        mention = draft.mention
        if draft.size is not None:
            return None
        if mention.attached:
            known = [d for d in self.drafts if d.is_lesion and d.section == draft.section and _same_class(d, draft)]
            return known[-1:]
        if mention.definite and mention.head.refined and mention.head.plural:
            return [d for d in self.drafts if d.is_lesion and _is_one_of_these(d, draft)]
        return None

    def _is_largest(self, draft: Draft) -> bool:
        """`The largest node measures …` right after a group of nodes that has no size yet."""
        group = self.last[-1] if self.last else None
        if group is None or group.size or not draft.of_group:
            return False
        return _is_group(group) and _compatible(group, draft) and _same_class(group, draft)

    def _corrected(self, draft: Draft) -> list[Draft]:
        """The one lesion that "the mass" of an addendum can mean, be its size, part or side another one."""
        same = [d for d in self.drafts if d.is_lesion and d.section != "addendum" and _same_class(d, draft)]
        same = [d for d in same if draft.place.organ in (d.place.organ, "other")]
        alike = [d for d in same if _compatible(d, draft) and not _contradicts(d, draft)]
        return next((group for group in (alike, same) if len(group) == 1), alike[:1])

    def _concluded(self, draft: Draft, candidates: list[Draft]) -> list[Draft]:
        """The findings of the body that a conclusion sums up."""
        if draft.size is not None:
            return self._same_size(draft, draft.size.largest_mm, candidates)
        if draft.count.multiplicity == "single":
            return sorted(candidates, key=lambda d: -_likeness(d, draft))[:1]
        if draft.mention.head.kind == "metastasis" and not draft.place.parts:
            candidates = [d for d in candidates if d.mention.head.kind in _MAY_BE_METASTASES] or candidates
            candidates = [d for d in candidates if not d.fired("kind_left_open")] or candidates
            if all(d.mention.head.kind in _MAY_BE_METASTASES for d in candidates):
                return candidates
        best = max((_likeness(d, draft) for d in candidates), default=0)
        return [d for d in candidates if _likeness(d, draft) >= min(best, 2) or _is_summed_up(d, draft)]

    def _take_from_group(self, draft: Draft) -> None:
        """`Multiple hypodense metastases. A reference lesion measures …` is a hypodense metastasis."""
        groups = [d for d in self.drafts if d.is_lesion and d.count.multiplicity == "multiple"]
        groups = [d for d in groups if d.place.organ == draft.place.organ and _compatible(d, draft)]
        if not draft.mention.member or draft.count.multiplicity == "multiple" or not groups:
            return
        group = groups[-1]
        kind = draft.mention.head.kind
        _take_kind(draft, group.mention)
        if draft.mention.head.kind != kind:
            draft.reasons.append(Reason("kind_of_group", group.mention.head_start, group.mention.end))
        if draft.attenuation is None and group.attenuation:
            draft.attenuation = group.attenuation
            _because(draft, group, "attenuation")

    def _refers_back(self, draft: Draft) -> bool:
        """`The mass extends to …` in the same section, without a size or an organ of its own."""
        if draft.size is not None or draft.section != "findings":
            return False
        if draft.place.rule.startswith("organ_of_lesion") and not draft.place.parts:
            first = draft.mention.start == draft.evidence[0][0]
            return draft.mention.definite or (first and not draft.mention.introduced)
        begins = draft.mention.start == draft.evidence[0][0]
        bare = begins and not (draft.mention.introduced or draft.mention.head.plural or draft.place.parts)
        if bare and draft.mention.head.kind == "tumour" and draft.place.rule in _NO_PLACE_OF_ITS_OWN:
            return any(_may_be_a_mass(d) for d in self.drafts)  # "Mass contacts the portal vein."
        return draft.mention.definite and not draft.place.rule.startswith(("organ_in_words", "organ_of_lesion"))

    def _elaborates(self, draft: Draft) -> bool:
        """`Left adrenal metastasis infiltrates …` right after "both adrenal metastases" is one of them."""
        head, start = draft.mention.head, draft.mention.start
        group = [d for d in self.last if d.place.side == "bilateral" and d.mention.head.kind == head.kind]
        bare = draft.size is None and draft.count.multiplicity == "single" and start == draft.evidence[0][0]
        return bool(group) and bare and _compatible(group[-1], draft)

    @staticmethod
    def _same_size(draft: Draft, largest: float, candidates: list[Draft]) -> list[Draft]:
        sized = [d for d in candidates if d.size and abs(d.size.largest_mm - largest) <= 0.05]
        near = [d for d in candidates if d.size and abs(d.size.largest_mm - largest) <= _SIZE_SLACK * largest]
        if not sized and near:
            near[0].flags.append("size_conflict")
        unsized = [d for d in candidates if d.size is None and d.count.multiplicity == draft.count.multiplicity]
        return (sized or near or unsized)[:1]


def _compatible(one: Draft, other: Draft) -> bool:
    """Same organ, and no side that contradicts."""
    if one.place.organ != other.place.organ and "other" not in (one.place.organ, other.place.organ):
        return False
    sides = {one.place.side, other.place.side} - {None}
    return len(sides) < 2 or "bilateral" in sides


def _same_class(known: Draft, again: Draft) -> bool:
    """Whether "the mass", "the nodes", "the haematoma" can mean a finding."""
    head = again.mention.head
    if head.generic and head.kind != "node":
        return known.mention.head.kind not in ("node", "other")
    return known.mention.head.kind == head.kind


def _is_one_of_these(known: Draft, again: Draft) -> bool:
    """Whether "the nodules", now told to be metastases, include a lesion without a kind: whatever its side."""
    unnamed = known.mention.head.kind == "indeterminate" and not known.fired("kind_left_open")
    placed = again.place.rule == "organ_carried" or _compatible(known, again)
    return unnamed and placed and known.place.organ == again.place.organ and known.section == again.section


def _may_be_a_mass(draft: Draft) -> bool:
    """Whether "the mass" can mean it rather than a mass told earlier: no cyst, no adenoma."""
    return draft.mention.head.kind in ("tumour", "metastasis", "indeterminate")


def _named_alike(known: Draft, again: Draft) -> bool:
    """Whether "the left upper lobe nodule" can only mean this finding: same organ and side, its part, its size."""
    if known.place.organ != again.place.organ or (again.place.side and again.place.side != known.place.side):
        return False
    told_size = again.size is None or (known.size is not None and again.size.axes_mm == known.size.axes_mm)
    return told_size and set(again.place.parts) <= set(known.place.parts)


def _likeness(one: Draft, other: Draft) -> int:
    """How much two compatible findings agree: parts first, then kind, number and side."""
    parts = set(one.place.parts) & set(other.place.parts)
    kinds = one.mention.head.kind == other.mention.head.kind
    contradict = bool(one.place.parts and other.place.parts) and not parts
    score = 4 * bool(parts) + 2 * kinds + (one.count.multiplicity == other.count.multiplicity)
    return score + (one.place.side == other.place.side) - 3 * contradict


def _is_summed_up(known: Draft, summary: Draft) -> bool:
    """Whether a lesion without a kind is one of those that a conclusion names: "bone metastases"."""
    unnamed = known.mention.head.kind == "indeterminate" and not known.fired("kind_left_open")
    telling = summary.mention.head.kind in ("metastasis", "tumour") and summary.mention.head.rank >= 4
    return unnamed and telling and not _contradicts(known, summary)


def _is_group(draft: Draft) -> bool:
    return draft.count.multiplicity in ("multiple", "unspecified")


def _contradicts(known: Draft, again: Draft) -> bool:
    return bool(again.place.parts) and set(known.place.parts).isdisjoint(again.place.parts)


def _join(known: Draft, again: Draft) -> None:
    """Add to a finding what its repeat says; the first words win, contradictions become flags."""
    known.evidence += [span for span in again.evidence if span not in known.evidence]
    _take_kind(known, again.mention)
    if again.section == "addendum":
        _correct(known, again)
    if known.size is None and again.size is not None:
        known.size = again.size
        _because(known, again, "size")
    if not known.place.parts and again.place.parts and known.place.organ == again.place.organ:
        known.place = replace(known.place, parts=again.place.parts)
        _because(known, again, "part")
    elif _contradicts(known, again) and again.size:
        known.flags.append("part_conflict")
    if known.place.organ == "other" and again.place.organ != "other":
        known.place = again.place
        _because(known, again, "organ")
    if known.place.side is None and again.place.side is not None:
        known.place = replace(known.place, side=again.place.side)
        _because(known, again, "side")
    if known.attenuation is None and again.attenuation is not None:
        known.attenuation = again.attenuation
        _because(known, again, "attenuation")
    if known.change == "not_stated" and again.change != "not_stated":
        known.change = again.change
        _because(known, again, "change")
    if again.presence == "present" and known.presence in ("possible", "probable") and again.size:
        known.presence = "present"
    known.reasons.append(Reason("repeated", again.mention.head_start, again.mention.end))


def _because(known: Draft, again: Draft, what: str) -> None:
    """Another sentence decides this value: its words, not those of the rule that knew no better."""
    telling = [reason for reason in again.reasons if reason.rule.startswith(f"{what}_")]
    known.reasons = [reason for reason in known.reasons if not reason.rule.startswith(f"{what}_")]
    known.reasons += [Reason(f"{what}_elsewhere", reason.start, reason.end) for reason in telling]


def _correct(known: Draft, again: Draft) -> None:
    """Let an addendum have the last word; the first words stay as evidence, and a flag says what changed."""
    side, parts = known.place.side, known.place.parts
    if again.place.side and side and again.place.side != side:
        known.flags.append("side_conflict")
        known.place = replace(known.place, side=again.place.side)
        _because(known, again, "side")
    if _contradicts(known, again) and parts:
        known.flags.append("part_conflict")
        known.place = replace(known.place, parts=again.place.parts)
        _because(known, again, "part")
    if known.size and again.size and known.size.axes_mm != again.size.axes_mm:
        known.flags.append("size_conflict")
        known.size = again.size
        _because(known, again, "size")
    known.reasons.append(Reason("corrected", again.mention.head_start, again.mention.end))


def _take_kind(draft: Draft, mention: Mention) -> None:
    """A more telling kind replaces a vaguer one."""
    mine = draft.mention
    says_nothing = mention.head.kind == "indeterminate" or mention.head.rank < 2 or mine.head.kind == "node"
    hedged = mention.type_certainty == "low" and mine.head.rank >= 4
    if says_nothing or hedged or (mine.head.kind != "indeterminate" and mention.head.rank <= mine.head.rank):
        return
    head = with_kind(mine.head, mention.head.kind, mention.head.rank, mention.head.malignancy)
    draft.mention = replace(mine, head=head, kind_text=mention.kind_text, type_certainty=mention.type_certainty)
    draft.reasons.append(Reason("kind_elsewhere", mention.head_start, mention.end))
