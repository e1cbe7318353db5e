"""What a report says of whole organs: normal, free of lesions, removed. Silence is never a statement."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise

from RSuperLib.report.lexicon import Hit
from RSuperLib.report.mentions import Found, Mention
from RSuperLib.report.place import UNSIDED, Location, locate, organs_named, part_names, side_near
from RSuperLib.report.schema import Laterality, OrganState
from RSuperLib.report.vocabulary import Vocabulary, Words

#: "Is grossly" may stand before "normal" under a heading; "The bile ducts are" makes it no statement on the heading.
_FEW_LETTERS = 14
#: How soon after a clause "but" or "except" makes an exception to it.
_EXCEPTION_REACH = 14
#: Characters from "none" to "enlarged" under a heading of nodes.
_DENIAL_REACH = 30
#: Organs of which "no metastasis" is said where "no lesion" is meant.
_FREE_WITHOUT_METASTASES = frozenset({"bone"})
#: Organs whose every part is named in itself: what is said of a vertebra is said of bone.
_WHOLE_IN_PARTS = frozenset({"bone"})


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
    return [*finder.normal(), *finder.lesion_free(), *finder.headed_nodes(), *finder.removed()]


class _Finder:
    def __init__(self, vocabulary: Vocabulary, words: Words, found: Found, heading: Location | None) -> None:
        self._v, self._words, self._found, self._heading = vocabulary, words, found, heading
        self._text = words.text

    def normal(self) -> list[Statement]:
        """Organs in clauses that say "normal", "unremarkable", "no abnormality"."""
        statements: list[Statement] = []
        subject: tuple[int, int] | None = None
        for start, end in self._stretches():
            marks = [h for h in self._v.normal.find(self._text, start, end) if h.value]
            named = bool(organs_named(self._v, self._words, start, end))
            if marks and self._speaks_of_organs(start, end) and not any(self._is_denied(mark) for mark in marks):
                before = self._text[start : marks[0].start].strip(" ,;:")
                bare = len(before) <= _FEW_LETTERS or self._v.of_organs.otherwise.search(before[-_FEW_LETTERS:])
                if named or (not subject and bare):
                    statements += self._without_exception(self._of_clause(start, end, "normal"), end)
                elif subject and self._v.of_organs.predicate_opens.fullmatch(before):
                    statements += self._without_exception(self._of_clause(*subject, "normal"), end)
            if named:
                subject = None if self._v.of_organs.not_assessed.search(self._text, start, end) else (start, end)
        return statements

    def _stretches(self) -> list[tuple[int, int]]:
        """The clauses, and where one speaks of a lesion too, its parts between commas."""
        stretches: list[tuple[int, int]] = []
        for start, end in self._words.clauses:
            mixed = any(start <= m.head_start < end and m.denied != "all" for m in self._found.mentions)
            commas = [m.start() for m in self._v.grammar.side_cut.finditer(self._text, start, end)] if mixed else []
            stretches += pairwise([start, *(c for c in commas if c > start), end])
        return stretches

    def _speaks_of_organs(self, start: int, end: int) -> bool:
        """No lesion, no exception, no mere attribute ("aeration"), and nothing that could not be judged."""
        if self._v.of_organs.not_assessed.search(self._text, start, end):
            return False
        if self._v.of_organs.mere_attribute.search(self._text, start, end) or self._v.of_organs.remainder.search(
            self._text, start, end
        ):
            return False
        return not any(start <= m.head_start < end and m.denied != "all" for m in self._found.mentions)

    def _without_exception(self, statements: list[Statement], end: int) -> list[Statement]:
        """`Normal but for a cyst` clears the abdomen as a whole, and the organs that the exception does not name."""
        near = end + _EXCEPTION_REACH
        if not (self._v.breaks_scope.match(self._text, end) or self._v.breaks_scope.search(self._text, end, near)):
            return statements
        excepted = {hit.value for hit in organs_named(self._v, self._words, end, self._words.sentence.end)}
        return [s for s in statements if s.organ == "upper_abdomen" or (excepted and s.organ not in excepted)]

    def _is_denied(self, mark: Hit[str]) -> bool:
        before = [n for n in self._words.negations if n.value == "before" and n.end <= mark.start]
        return any(mark.start - negation.end <= 12 for negation in before)

    def lesion_free(self) -> list[Statement]:
        """Organs of which a lesion as such is denied; denying one kind ("no metastasis") clears no soft organ."""
        statements: list[Statement] = []
        for mention in self._found.mentions:
            if mention.denied != "all" or mention.type_certainty == "low":
                continue
            if mention.head.kind == "metastasis":
                statements += [free for free in self._organs_free(mention) if free.organ in _FREE_WITHOUT_METASTASES]
            elif mention.head.kind == "node" and mention.head.generic:
                statements += self._nodes_free(mention)
            elif mention.head.rank > 0 and mention.head.generic:
                statements += self._organs_free(mention)
        return statements

    def headed_nodes(self) -> list[Statement]:
        """`Lymph nodes: none enlarged.`"""
        start, end = self._words.sentence.start, self._words.sentence.end
        enlarged = self._v.of_organs.enlarged_node.search(self._text, start, end)
        if enlarged is None or self._found.mentions or not self._heading or self._heading.organ != "lymph_node":
            return []
        denied = any(0 <= enlarged.start() - n.start <= _DENIAL_REACH for n in self._words.negations)
        return [self._statement("lymph_node", "no_lesion", None, None)] if denied else []

    def _organs_free(self, mention: Mention) -> list[Statement]:
        clause = self._words.clause_at(mention.head_start)
        if organs_named(self._v, self._words, *clause):
            return self._of_clause(*clause, "no_lesion")
        if self._v.of_organs.not_assessed.search(self._text, self._words.sentence.start, clause[0]):
            return []
        place = locate(self._v, self._words, mention, self._heading, None)
        if place.organ in ("other", "pelvis"):
            return []
        if place.rule == "organ_heading" and self._heading:
            return [self._of_heading(each, "no_lesion", None) for each in self._headed()]
        return [self._of_heading(place, "no_lesion", None)]

    def _headed(self) -> list[Location]:
        """What the heading names: `Gallbladder, spleen, adrenals: normal` speaks of three organs."""
        return [self._heading, *self._heading.others] if self._heading else []

    def _nodes_free(self, mention: Mention) -> list[Statement]:
        start, end = self._words.clause_at(mention.head_start)
        if self._v.plain_node.search(mention.kind_text) and not self._v.of_organs.enlarged_node.search(
            self._text, start, end
        ):
            return []
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
        operated = self._v.of_organs.surgery.search(self._text, start, end)
        for hit in self._v.ectomies.find(self._text, start, end):
            before = self._text[max(start, hit.start - 24) : hit.start]
            side = self._side_of_surgery(hit)
            vague = (
                side is None
                and hit.value not in UNSIDED
                and self._v.of_organs.place_of_surgery.match(self._text, hit.end + 1)
            )
            if (
                not vague
                and not self._v.of_organs.only_part.search(before)
                and not self._v.of_organs.not_done.search(before)
            ):
                statements.append(self._statement(hit.value, "absent", side, None))
        for clause in self._words.clauses:
            gone = self._v.of_organs.gone.search(self._text, *clause)
            unseen = operated and self._v.of_organs.unseen.search(self._text, *clause)
            if (gone or unseen) and not self._v.of_organs.only_part.search(self._text, *clause):
                statements += self._gone(clause)
        return statements

    def _gone(self, clause: tuple[int, int]) -> list[Statement]:
        if any(clause[0] <= m.head_start < clause[1] for m in self._found.mentions):
            return []
        return self._of_clause(*clause, "absent")

    def _side_of_surgery(self, hit: Hit[str]) -> Laterality | None:
        """The side right before the operation, else right after it, else the only one that the sentence names."""
        if hit.value in UNSIDED:
            return None
        before = [s.value for s in self._words.sides if 0 <= hit.start - s.end <= 30]
        after = [s.value for s in self._words.sides if 0 <= s.start - hit.end <= 12]
        named = [s.value for s in self._words.sides]
        near = before[-1:] or after[:1] or (named if len(set(named)) == 1 else [])
        return near[0] if near else None

    def _of_clause(self, start: int, end: int, status: OrganState) -> list[Statement]:
        hits = organs_named(self._v, self._words, start, end)
        statements = [self._of_hit(hit, start, end, status) for hit in hits if not self._is_beside(hit, start)]
        if not hits and self._heading:
            sides = {s.value for s in self._words.sides if start <= s.start < end}
            own = next(iter(sides)) if len(sides) == 1 else None
            statements = [self._of_heading(each, status, own) for each in self._headed()]
        unique: dict[tuple[str, Laterality | None, str | None], Statement] = {}
        for statement in statements:
            if statement.organ not in ("other", "pelvis", "lymph_node"):
                unique.setdefault((statement.organ, statement.side, statement.region), statement)
        return list(unique.values())

    def _of_heading(self, place: Location, status: OrganState, side: Laterality | None) -> Statement:
        """A statement on a place; one on a part of it (`Lung bases: no mass`) is none on the whole organ."""
        parts = () if place.organ in _WHOLE_IN_PARTS else place.parts
        return self._statement(place.organ, status, place.side or side, ", ".join(parts) or None)

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
