"""The compiled words of a language, and the words found in one sentence."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

from RSuperLib.report.compounds import Compounds
from RSuperLib.report.layout import Layout, Sentence
from RSuperLib.report.lexicon import Hit, Language, Rows, Table, load_language, phrase
from RSuperLib.report.measurements import Measurement, MeasurementParser
from RSuperLib.report.normalise import NormalText
from RSuperLib.report.schema import Attenuation, Certainty, Kind, Laterality, Malignancy, Presence


@dataclass(frozen=True, slots=True)
class Head:
    """What a word for a lesion means. Rank 0 is a lesion only with a telling adjective, 1 says least, 5 most."""

    kind: Kind
    rank: int
    plural: bool
    malignancy: Malignancy = "not_stated"
    attenuation: Attenuation | None = None
    organ: str | None = None
    uncounted: bool = False
    generic: bool = False
    #: Stands for the lesion before it: "a second one".
    again: bool = False
    #: A node that is said to be a metastasis; of other lesions the kind says it.
    metastatic: bool = False
    #: A vague word whose kind the sentence tells: "the nodules were evaluated as metastases".
    refined: bool = False


@dataclass(frozen=True, slots=True)
class Place:
    """A place in an organ. `parts` are its plain names; "=" stands for the words themselves."""

    parts: tuple[str, ...]
    organs: tuple[str, ...]
    implies: bool = False
    side: Laterality | None = None


#: Names of a place that is a numbered segment, or all segments from one to another.
SEGMENT, SEGMENT_RANGE = "segment", "segments"


@dataclass(frozen=True, slots=True)
class Grammar:
    """The small words that join others, as patterns."""

    #: Between the words of one name: `nodular mass lesion`, `nodule or node`, `nodule/mass`.
    within_a_name: re.Pattern[str]
    either: re.Pattern[str]
    #: Where a new member of a list, a new lesion, or a new clause may begin.
    list_cut: re.Pattern[str]
    phrase_cut: re.Pattern[str]
    lesion_cut: re.Pattern[str]
    clause_cut: re.Pattern[str]
    side_cut: re.Pattern[str]
    organ_joins: re.Pattern[str]
    belonging: re.Pattern[str]
    predicate_end: re.Pattern[str]
    #: Before the name of what a lesion is: `… is a `.
    copula: re.Pattern[str]
    #: Between a noun and one that only tells where it is: `duct upstream of the mass`.
    attached: re.Pattern[str]
    #: From a noun to the one that hangs on it: `invasion of the vein by `.
    hangs_on: re.Pattern[str]
    attaches: re.Pattern[str]
    #: Opens an insertion that speaks of the noun before it: `, which `.
    relative: re.Pattern[str]

    @classmethod
    def of(cls, words: dict[str, Any]) -> Grammar:
        """Patterns over lower-case text from the joining words of a language."""
        both, either = words["and"], words["or"]
        return cls(
            within_a_name=re.compile(rf"(?: |-| ?/ ?| (?:{either}) )?"),
            either=re.compile(rf" (?:{either}) "),
            list_cut=re.compile(rf";|,? (?:{both}) |\d\)"),
            phrase_cut=re.compile(rf" (?:{both}) "),
            lesion_cut=re.compile(rf",|(?<= )(?:{both}|{either}|{words['with']})(?= )"),
            clause_cut=re.compile(rf"[,;](?= )|(?<= )(?:{words['clause_starts']})(?= )|:(?= )|\(|\)"),
            side_cut=re.compile(rf"[,;]|\b(?:{both}|{either})\b"),
            organ_joins=re.compile(words["organ_joins"]),
            belonging=re.compile(rf" (?:{words['of']}) "),
            predicate_end=re.compile(rf" ?(?:[.,;)]|$|(?:{words['predicate_ends']})(?![^ ]))"),
            copula=re.compile(rf"(?<! )(?<!{words['expletive']}) (?:{words['copula']}) *$"),
            attached=re.compile(rf"[^,;:()]*(?<![a-z])(?:{words['attaches']})(?: [a-z-]+){{0,5}} ?"),
            hangs_on=re.compile(rf"[^,;:()]*[a-z] (?:{words['attaches']}|{words['with']}) ?"),
            attaches=re.compile(rf"(?:{words['attaches']})(?= )"),
            relative=re.compile(rf"[^;()]{{0,60}}?,? (?:{words['relative']})(?= )"),
        )


@dataclass(frozen=True, slots=True)
class Hedge:
    """How sure a phrase is: of the kind (`level`) and, before a lesion, of its being there (`presence`)."""

    level: Certainty
    presence: Presence


@dataclass(frozen=True, slots=True)
class OrganWords:
    """The words of statements on whole organs, as patterns."""

    #: Between an organ and "normal", with nothing else said: `and is otherwise`.
    predicate_opens: re.Pattern[str]
    otherwise: re.Pattern[str]
    #: What makes "normal" no statement on the organ: a mere attribute, the rest of it, a poor view.
    mere_attribute: re.Pattern[str]
    remainder: re.Pattern[str]
    not_assessed: re.Pattern[str]
    enlarged_node: re.Pattern[str]
    #: Removed; or not seen, which means removed only where the sentence tells of surgery.
    gone: re.Pattern[str]
    unseen: re.Pattern[str]
    surgery: re.Pattern[str]
    only_part: re.Pattern[str]
    not_done: re.Pattern[str]
    #: After an operation: its place, not the operation.
    place_of_surgery: re.Pattern[str]

    @classmethod
    def of(cls, context: dict[str, Any]) -> OrganWords:
        """The patterns from the context words of a language."""
        return cls(
            predicate_opens=phrase(context["predicate_opens"]),
            otherwise=phrase(context["otherwise"]),
            mere_attribute=phrase(context["not_of_the_organ"]),
            remainder=phrase(context["remainder"]),
            not_assessed=phrase(context["not_assessed"]),
            enlarged_node=phrase(context["enlarged_node"]),
            gone=phrase("|".join(context["organ_gone"])),
            unseen=phrase(context["organ_unseen"]),
            surgery=phrase(context["surgery"]),
            only_part=phrase(context["only_part"]),
            not_done=phrase(context["not_done"]),
            place_of_surgery=phrase(context["place_of_surgery"]),
        )


class Vocabulary:
    """All tables of one language. Build it once: `vocabulary(code)`."""

    def __init__(self, language: Language) -> None:
        self.language = language
        self.sizes, self.layout = MeasurementParser(language), Layout(language)
        self._take_lesions(language.lesions)
        self._take_anatomy(language.anatomy)
        self._take_attributes(language.attributes)
        self._take_context(language.context)
        self._take_grammar(language.grammar)
        self.columns = {name: phrase(words) for name, words in language.sections["table"].items()}
        self.segments = _segment_pattern(language.anatomy, language.attributes["units"])
        operations, purpose = "|".join(language.context["ectomies"]), language.grammar["operation_for"]
        self.operated_for = phrase(rf"(?:{operations}) (?:{purpose})")

    def _take_lesions(self, lesions: dict[str, Any]) -> None:
        self.heads: Table[Head | None] = Table([(lesions["not_heads"], None), *_head_rows(lesions["heads"])])
        self.organs_of_heads = Table((words, organ) for organ, words in lesions["organ_of_head"].items())
        self.kind_words: Table[tuple[Kind, int]] = Table(
            (row["words"], (row["kind"], row["rank"])) for row in lesions["kind_words"]
        )
        self.plain_node = phrase(lesions["plain_node"])
        self.makes_a_lesion, self.not_a_lesion = phrase(lesions["makes_a_lesion"]), phrase(lesions["not_a_lesion"])
        self.thickened, self.dense = phrase(lesions["thickened"]), phrase(lesions["dense"])
        self.other_nouns = Table([(lesions["other_nouns"], "other")])
        self.measured_nouns = Table([(lesions["measured_nouns"], "measured")])

    def _take_anatomy(self, anatomy: dict[str, Any]) -> None:
        self.organs = Table(
            [(words, organ) for organ, words in anatomy["organs"].items()] + [(anatomy["not_organs"], "")]
        )
        self.beside = phrase(anatomy["beside"])
        self.paired_plural = phrase(anatomy["paired_plural"])
        self.beside_organ: dict[str, str] = anatomy["beside_organ"]
        self.places = Rows((row["words"], _place(row)) for row in anatomy["places"])

    def _take_attributes(self, attributes: dict[str, Any]) -> None:
        self.attenuation: Table[Attenuation] = Table((w, name) for name, w in attributes["attenuation"].items())
        self.sides: Table[Laterality] = Table((words, side) for side, words in attributes["sides"].items())
        self.counts = Table((words, int(number)) for number, words in attributes["counts"].items())
        self.many, self.largest = phrase(attributes["many"]), phrase(attributes["largest"])
        self.mostly, self.one_of = phrase(attributes["mostly"]), phrase(attributes["one_of"])
        self.density_noun = phrase(attributes["density_nouns"])
        self.adjectives = phrase("|".join([*attributes["attenuation"].values(), attributes["adjectives"]]))
        self.at_least, self.about = phrase(attributes["at_least"]), phrase(attributes["about"])
        self.measuring = phrase(rf"{attributes['measures']}|{attributes['organ_size']}")
        self.small_sizes = [(phrase(row["words"]), row["max_mm"]) for row in attributes["small_sizes"]]

    def _take_context(self, context: dict[str, Any]) -> None:
        self.hedges, self.hedges_after = _hedges(context["characterises"]), _hedges(context["characterised_after"])
        self.negations = Table((words, how) for how, rows in context["negation"].items() for words in rows)
        self.changes = Table((words, change) for change, words in context["change"].items())
        self.normal = Table([("|".join(context["normal"]), "normal"), ("|".join(context["not_normal"]), "")])
        self.plural_predicate, self.left_open = phrase(context["plural_predicate"]), phrase(context["left_open"])
        self.member = phrase(context["member"])
        self.of_organs = OrganWords.of(context)
        self.ectomies = Table(context["ectomies"].items())
        self.limits_a_negation, self.verbs = phrase(context["limits_a_negation"]), phrase(context["verbs"])
        self.definite, self.anaphor = phrase(context["definite"]), phrase(context["anaphor"])
        self.hypothetical, self.relatives = phrase(context["hypothetical"]), phrase(context["relatives"])
        self.unassessed, self.seen_elsewhere = phrase(context["unassessed"]), phrase(context["seen_elsewhere"])
        self.explains, self.not_enlarged = phrase(context["explains"]), phrase(context["not_enlarged"])
        self.gone, self.advice = phrase(context["gone"]), phrase(context["advice"])
        self.another, self.component_of = phrase(context["another"]), phrase(context["component_of"])
        self.definite_before, self.noun_phrase_starts = (
            phrase(context["definite_before"]), phrase(context["noun_phrase_starts"]),
        )  # fmt: skip
        self.breaks_scope = phrase("|".join(context["breaks_scope"]))
        self.resected, self.history = (phrase("|".join(context[name])) for name in ("resected", "history"))

    def _take_grammar(self, grammar: dict[str, Any]) -> None:
        self.segment_range = phrase(grammar["segment_range"])
        self.grammar = Grammar.of(grammar)
        self.compounds = Compounds(grammar["compounds"])
        self.article = phrase(grammar["article"])


@cache
def vocabulary(code: str) -> Vocabulary:
    """The vocabulary of a supported language."""
    return Vocabulary(load_language(code))


@dataclass(frozen=True, slots=True)
class Words:
    """A sentence with the words that matter in it; spans are those of the report's normal text."""

    report: NormalText
    sentence: Sentence
    heads: list[Hit[Head]]
    organs: list[Hit[str]]
    places: list[Hit[Place]]
    sides: list[Hit[Laterality]]
    sizes: list[Measurement]
    others: list[Hit[str]]
    measured: list[Hit[str]]
    hedges: list[Hit[Hedge]]
    hedges_after: list[Hit[Hedge]]
    negations: list[Hit[str]]
    clauses: list[tuple[int, int]]

    @property
    def text(self) -> str:
        """The whole report's normal text, which all spans refer to."""
        return self.report.text

    @property
    def located(self) -> list[int]:
        """Where organs and their parts are named."""
        return [hit.start for hit in self.organs] + [hit.start for hit in self.places]

    def clause_at(self, place: int) -> tuple[int, int]:
        """The clause that a character lies in."""
        return next(((a, b) for a, b in self.clauses if a <= place < b), (self.sentence.start, self.sentence.end))


def find_words(words: Vocabulary, report: NormalText, sentence: Sentence) -> Words:
    """Look up everything in one sentence."""
    text, start, end = report.text, sentence.start, sentence.end
    organs = [hit for hit in words.organs.find(text, start, end) if hit.value]
    negations = words.negations.find(text, start, end)
    attenuation = words.attenuation.find(text, start, end)
    places = sorted(_find_places(words, text, start, end), key=lambda hit: hit.start)
    within = [(hit.start, hit.end) for hit in attenuation] + [(hit.start, hit.end) for hit in places]
    return Words(
        report, sentence,
        heads=_lesion_heads(words, text, start, end),
        organs=organs,
        places=places,
        sides=words.sides.find(text, start, end),
        sizes=words.sizes.find(text, start, end),
        others=_outside(words.other_nouns.find(text, start, end), within),
        measured=_outside(words.measured_nouns.find(text, start, end), within),
        hedges=[h for h in words.hedges.find(text, start, end) if not _inside(h, negations, "before")],
        hedges_after=words.hedges_after.find(text, start, end),
        negations=negations,
        clauses=_clauses(words, text, start, end),
    )  # fmt: skip


def _lesion_heads(words: Vocabulary, text: str, start: int, end: int) -> list[Hit[Head]]:
    found = words.heads.find(text, start, end)
    return [Hit(hit.start, hit.end, hit.text, hit.value) for hit in found if hit.value is not None]


def _outside(hits: list[Hit[str]], others: list[tuple[int, int]]) -> list[Hit[str]]:
    """The hits that are not part of other words: "fluid density" is no fluid, "para-aortic" no aorta."""
    return [hit for hit in hits if not any(start < hit.end and hit.start < end for start, end in others)]


def _inside(hit: Hit[Any], others: list[Hit[str]], value: str) -> bool:
    return any(o.value == value and o.start <= hit.start and hit.end <= o.end for o in others)


def _hedges(rows: list[dict[str, Any]]) -> Table[Hedge]:
    return Table((row["words"], Hedge(row["level"], row["presence"])) for row in rows)


def _head_rows(rows: list[dict[str, Any]]) -> Iterator[tuple[str, Head]]:
    for row in rows:
        fields = {key: value for key, value in row.items() if key not in ("one", "many")}
        yield row["one"], Head(plural=False, **fields)
        if "many" in row:
            yield row["many"], Head(plural=True, **fields)


def _place(row: dict[str, Any]) -> Place:
    parts = row["part"] if isinstance(row["part"], list) else [row["part"]]
    return Place(tuple(parts), tuple(row["organs"]), row.get("implies", False), row.get("side"))


def _segment_pattern(anatomy: dict[str, Any], units: dict[str, str]) -> re.Pattern[str]:
    """`segment VII`, `segments 5 and 6`, `segment 4/5`, `seg. IVa`; the numbers in the group `numbers`."""
    number = (
        r"(?:viii|vii|vi|iv|v|iii|ii|i|\d{1,2})(?:[ab])?"
        + rf"(?![.,]?\d| ?-?(?:{'|'.join(units.values())})(?![a-z])| ?x ?\d)"
    )
    joins = anatomy["segment_joins"]
    return re.compile(
        rf"(?<![a-z])(?:{anatomy['segments']}) ?(?P<numbers>{number}(?: ?(?:{joins}) ?{number})*)(?![a-z0-9])"
    )


def _find_places(words: Vocabulary, text: str, start: int, end: int) -> Iterator[Hit[Place]]:
    for match in words.segments.finditer(text, start, end):
        part = SEGMENT_RANGE if words.segment_range.search(match["numbers"]) else SEGMENT
        yield Hit(match.start(), match.end(), match["numbers"], Place((part,), ("liver", "lung")))
    yield from words.places.find(text, start, end)


def _clauses(words: Vocabulary, text: str, start: int, end: int) -> list[tuple[int, int]]:
    """Stretches with a verb of their own, and what follows words such as "but" and "except"."""
    cuts = [(m.start(), m.end(), True) for m in words.breaks_scope.finditer(text, start, end)]
    cuts += [(m.start(), m.end(), m.group() == ";") for m in words.grammar.clause_cut.finditer(text, start, end)]
    cuts.sort()
    clauses, begin = [], start
    for place, (at, after, always) in enumerate(cuts):
        following = cuts[place + 1][0] if place + 1 < len(cuts) else end
        right = text[after:following].lstrip()
        fresh = next((h for h in words.negations.find(right) if h.start == 0 and h.value == "before"), None)
        split = always or fresh is not None
        if not split and words.verbs.search(text, begin, at):
            split = words.verbs.search(right) is not None
        if split and at > begin:
            clauses.append((begin, at))
            begin = at
    return [*clauses, (begin, end)]
