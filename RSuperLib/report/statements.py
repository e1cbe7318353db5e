"""What a report says of whole organs: normal, free of lesions, removed. Silence is never a statement."""

from __future__ import annotations

import re
from dataclasses import dataclass

from RSuperLib.report.lexicon import Hit
from RSuperLib.report.mentions import Found, Mention
from RSuperLib.report.place import UNSIDED, Location, locate, organs_named, part_names, side_near
from RSuperLib.report.schema import Laterality, OrganState
from RSuperLib.report.vocabulary import Vocabulary, Words

#: "Is grossly" may stand before "normal" under a heading; "The bile ducts are" makes it no statement on the heading.
_FEW_LETTERS = 14


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement on an organ, or on one side or region of it."""

    organ: str
    status: OrganState
    side: Laterality | None
    region: str | None
    #: Plain names of the region's parts, by which it meets those of a finding.
    parts: frozenset[str]
    start: int
    end: int
    section: str


def find_statements(vocabulary: Vocabulary, words: Words, found: Found, heading: Location | None) -> list[Statement]:
    """The organ statements of one sentence."""
    finder = _Finder(vocabulary, words, found, heading)
    return [*finder.normal(), *finder.lesion_free(), *finder.removed()]


class _Finder:
    def __init__(self, vocabulary: Vocabulary, words: Words, found: Found, heading: Location | None) -> None:
        self._v, self._words, self._found, self._heading = vocabulary, words, found, heading
        self._text = words.text

    def normal(self) -> list[Statement]:
        """Organs in clauses that say "normal", "unremarkable", "no abnormality"."""
        statements: list[Statement] = []
        for start, end in self._words.clauses:
            marks = [h for h in self._v.normal.find(self._text, start, end) if h.value]
            if not marks or not self._speaks_of_organs(start, end) or any(self._is_denied(mark) for mark in marks):
                continue
            bare = len(self._text[start : marks[0].start].strip(" ,;")) <= _FEW_LETTERS
            if not bare and not organs_named(self._v, self._words, start, end):
                continue
            stated = self._of_clause(start, end, "normal")
            excepted = self._has_exception(end)
            statements += [s for s in stated if not excepted or s.organ == "upper_abdomen"]
        return statements

    def _speaks_of_organs(self, start: int, end: int) -> bool:
        """No lesion, no mere attribute ("aeration") and no denial of normality."""
        if self._v.not_of_the_organ.search(self._text, start, end) or self._v.remainder.search(self._text, start, end):
            return False
        return not any(start <= m.head_start < end and m.denied != "all" for m in self._found.mentions)

    def _has_exception(self, end: int) -> bool:
        """`Normal except for …`: no organ is normal, but the abdomen as a whole is, but for that."""
        return self._v.breaks_scope.search(self._text, end, end + 14) is not None

    def _is_denied(self, mark: Hit[str]) -> bool:
        before = [n for n in self._words.negations if n.value == "before" and n.end <= mark.start]
        return any(mark.start - negation.end <= 12 for negation in before)

    def lesion_free(self) -> list[Statement]:
        """Organs of which a lesion as such is denied; denying one kind ("no metastasis") clears nothing."""
        statements: list[Statement] = []
        for mention in self._found.mentions:
            if mention.denied != "all" or not mention.head.generic or mention.type_certainty == "low":
                continue
            if mention.head.kind == "node":
                statements += self._nodes_free(mention)
            elif mention.head.rank > 0:
                statements += self._organs_free(mention)
        return statements

    def _organs_free(self, mention: Mention) -> list[Statement]:
        clause = self._words.clause_at(mention.head_start)
        if organs_named(self._v, self._words, *clause):
            return self._of_clause(*clause, "no_lesion")
        place = locate(self._v, self._words, mention, self._heading, None)
        if place.organ in ("other", "pelvis"):
            return []
        return [self._statement(place.organ, "no_lesion", place.side, None)]

    def _nodes_free(self, mention: Mention) -> list[Statement]:
        enlarged = self._text[mention.start : self._words.clause_at(mention.head_start)[1]]
        if self._v.plain_node.search(mention.kind_text) and not self._v.enlarged_node.search(enlarged):
            return []
        start, end = self._words.clause_at(mention.head_start)
        places = [p for p in self._words.places if start <= p.start < end and "lymph_node" in p.value.organs]
        vague = self._heading is not None and self._heading.organ in ("upper_abdomen", "pelvis")
        region = ", ".join(dict.fromkeys(p.text for p in places)) or (
            self._heading.rule if self._heading and vague else ""
        )
        parts = frozenset(name for place in places for name in part_names(place, "lymph_node"))
        return [self._statement("lymph_node", "no_lesion", None, region or None, parts)]

    def removed(self) -> list[Statement]:
        """Organs that surgery took away; a part of an organ is not the organ."""
        start, end = self._words.sentence.start, self._words.sentence.end
        statements = []
        for hit in self._v.ectomies.find(self._text, start, end):
            before = self._text[max(start, hit.start - 24) : hit.start]
            if not self._v.only_part.search(before):
                statements.append(self._statement(hit.value, "absent", self._side_of_surgery(hit), None))
        for clause in self._words.clauses:
            if self._v.organ_gone.search(self._text, *clause) and not self._v.only_part.search(self._text, *clause):
                statements += self._gone(clause)
        return statements

    def _gone(self, clause: tuple[int, int]) -> list[Statement]:
        if any(clause[0] <= m.head_start < clause[1] for m in self._found.mentions):
            return []
        return self._of_clause(*clause, "absent")

    def _side_of_surgery(self, hit: Hit[str]) -> Laterality | None:
        near = [s for s in self._words.sides if 0 <= hit.start - s.end <= 12]
        return near[-1].value if near and hit.value not in UNSIDED else None

    def _of_clause(self, start: int, end: int, status: OrganState) -> list[Statement]:
        hits = organs_named(self._v, self._words, start, end)
        statements = [self._of_hit(hit, start, end, status) for hit in hits if not self._is_beside(hit, start)]
        if not hits and self._heading:
            statements = [self._statement(self._heading.organ, status, self._heading.side, self._heading_region())]
        unique: dict[tuple[str, Laterality | None, str | None], Statement] = {}
        for statement in statements:
            if statement.organ not in ("other", "pelvis", "lymph_node"):
                unique.setdefault((statement.organ, statement.side, statement.region), statement)
        return list(unique.values())

    def _heading_region(self) -> str | None:
        return ", ".join(self._heading.parts) or None if self._heading else None

    def _is_beside(self, hit: Hit[str], start: int) -> bool:
        before = self._text[max(start, hit.start - 40) : hit.start]
        marks = list(self._v.beside.finditer(before))
        return bool(marks) and len(before) - marks[-1].end() <= 8

    def _of_hit(self, hit: Hit[str], start: int, end: int, status: OrganState) -> Statement:
        parts = [p.text for p in self._words.places if start <= p.start < end and hit.value in p.value.organs]
        near = None if hit.value in UNSIDED else side_near(self._v, self._words, hit, start, end)
        side = near.value if near else None
        partial = [p for p in parts if hit.value != "bone" and p != hit.text]
        return self._statement(hit.value, status, side, ", ".join(dict.fromkeys(partial)) or None)

    def _statement(self, organ: str, status: OrganState, side: Laterality | None, region: str | None,
                   parts: frozenset[str] = frozenset()) -> Statement:  # fmt: skip
        sentence = self._words.sentence
        region = re.sub(r" +", " ", region) if region else None
        return Statement(organ, status, side, region, parts, sentence.start, sentence.end, sentence.section)
