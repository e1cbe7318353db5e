"""Names by the structure around them: the fields of a line, what stands before and after them, what people do.

Other rules know the labels and the phrases of reports; these need none of them, only a value with the shape of a name
(`shapes`) in a field of its own, or a word near it that tells of a person.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache

from RSuperLib.report.deidentify.changes import Change
from RSuperLib.report.deidentify.shapes import (
    INITIALS,
    LETTER,
    WORD,
    Found,
    Shape,
    first_shape,
    is_strange,
    whole_shape,
)  # fmt: skip
from RSuperLib.report.deidentify.words import Words, common_words

#: Stands for a character of an identifier that another rule found.
_MASK = "\x1f"
#: What parts the fields of a line, and sentences.
_SEPARATOR = re.compile(
    rf"{_MASK}+|[|;\t=()\[\]<>{{}}\"]+|[:.]{{2,}}|:(?=\s|$)|[ \u00a0]{{2,}}|\s[-–—/*&+]+(?=\s)|\*\*+|__+"
    r"|(?<=[^\W\d_]{3})[.!?]+(?=\s|$)|(?<=\d)[.,](?=\s)|,(?=\s*\d)|^[\s\-–—/*>#•]+|[\s\-–—/*]+$"
)
_WORDS_OF_LABEL = 4
#: Characters of a field that may be a label and a name; anything longer is a sentence.
_LONGEST_FIELD = 200
_EDGE = " \u00a0,.;:/-–—*#>•"
_TAIL = re.compile(rf"[\s,.;:/-]+(?:\d[\w:./'-]*|(?P<word>{WORD}(?:\.{LETTER}+)*)\.?)[\s,.;:/-]*$")
_JOINT = re.compile(r"\s*(?:,\s*(?:and|en)\s|[,;/&+]|\s(?:and|en)\s)\s*", re.IGNORECASE)


@dataclass(frozen=True)
class _Field:
    """A stretch of a line between separators.

    Attributes:
        start: first character.
        end: one past the last one.
        told: whether its label, the field before it, tells of a person.
        near: whether another identifier stands on the line.
        heading: whether it is itself a label.
    """

    start: int
    end: int
    told: bool
    near: bool
    heading: bool


def names_by_structure(
    text: str, words: Words, others: Iterable[Change], names: Iterable[Found] = ()
) -> Iterator[Found]:
    """Names that no label or phrase of the word lists gives away.

    Args:
        text: the report.
        words: of its language.
        others: identifiers that other rules found: what stands beside them is more likely one too.
        names: those that other rules found; others may be joined to them.
    """
    finder = _StructureFinder(masked(text, others), words)
    for one in [*finder.find(), *names]:
        yield from finder.with_others(one)


def masked(text: str, others: Iterable[Change]) -> str:
    """The text with a sign that separates fields in place of every character that was found."""
    characters = list(text)
    for one in others:
        characters[one.start : one.end] = _MASK * (one.end - one.start)
    return "".join(characters)


class _StructureFinder:
    """Looks for names in one text."""

    def __init__(self, text: str, words: Words) -> None:
        self._text, self._words = text, words
        self._ends: set[int] = set()

    def find(self) -> Iterator[Found]:
        """The first name of every place."""
        for field in self._fields():
            yield from self._in_field(field)
        yield from self._before_verbs()
        yield from self._after_people()

    def with_others(self, first: Found) -> Iterator[Found]:
        """A name, and those joined to it: `Roe, Doe and Quill`."""
        yield first
        end = first.end
        while end not in self._ends and (match := _JOINT.match(self._text, end)):
            self._ends.add(end)
            shape = first_shape(self._text, self._past_titles(match.end()), len(self._text), self._words)
            if shape is None or self._is_word_ahead(shape.end):
                return
            if "," in match.group() and shape.strange + shape.small < 2 and not self._is_list(shape.end):
                return
            yield Found(shape.start, shape.end, "name_beside_name")
            end = shape.end

    def _is_word_ahead(self, place: int) -> bool:
        """Whether another capitalised word follows, so that what came before it is hardly a whole name."""
        return re.match(rf"[ ](?={LETTER}{{2}})(?-i:[A-Z])\w*[a-z]", self._text[place : place + 20]) is not None

    def _is_list(self, place: int) -> bool:
        return _JOINT.match(self._text, place) is not None

    def _fields(self) -> Iterator[_Field]:
        """The fields of every line, each with what its neighbours say of it."""
        carried = False
        for line in re.finditer(r"[^\n\r]+", self._text):
            told, place, near = carried, line.start(), _MASK in line.group()
            cuts = [*_SEPARATOR.finditer(self._text, line.start(), line.end()), None]
            for cut in cuts:
                end = cut.start() if cut else line.end()
                sign = cut.group().strip() if cut else ""
                if self._text[place:end].strip(_EDGE) and end - place <= _LONGEST_FIELD:
                    yield _Field(place, end, told, near, heading=sign.startswith(":"))
                    told = self._tells(place, end) and not sign.startswith((".", "!", "?"))
                place = cut.end() if cut else end
            carried = told and len(line.group()) < 40 and not near

    def _tells(self, start: int, end: int) -> bool:
        """Whether the last words of a label tell of a person."""
        last = re.findall(rf"{WORD}(?:\.{LETTER}+)*", self._text[start:end])[-_WORDS_OF_LABEL:]
        return any(_person(self._words).fullmatch(word) for word in last)

    def _in_field(self, field: _Field) -> Iterator[Found]:
        start, told = self._past_lead(field)
        end = self._before_tail(start, field.end)
        if field.heading and (start == field.start or not told):
            return
        parts = [(start, end)] if whole_shape(self._text, start, end, self._words) else self._parts(start, end)
        shapes = [whole_shape(self._text, self._past_titles(one), two, self._words) for one, two in parts]
        if not told and None in shapes:
            return
        for shape in filter(None, shapes):
            if shape.is_name(told=told, near=field.near) and not self._is_eponym(shape):
                yield Found(shape.start, shape.end, "name_in_field")

    def _is_eponym(self, shape: Shape) -> bool:
        found = {word.lower() for word in re.findall(WORD, self._text[shape.start : shape.end])}
        return bool(found & common_words().eponyms) and not shape.comma

    def _parts(self, start: int, end: int) -> list[tuple[int, int]]:
        """Several names in one field."""
        parts, place = [], start
        for joint in _JOINT.finditer(self._text, start, end):
            parts.append((place, joint.start()))
            place = joint.end()
        parts.append((place, end))
        return parts

    def _past_lead(self, field: _Field) -> tuple[int, bool]:
        """Past the words of a label without a sign: `DICTATED BY ROE`; and whether they tell of a person."""
        place, told, lead = field.start, field.told, []
        token = re.compile(rf"[{re.escape(_EDGE)}]*(?:(?P<word>{WORD}(?:\.{LETTER}+)*)\.?|\d[\w:./-]*)(?=\W|$)")
        while match := token.match(self._text, place, field.end):
            word = match["word"]
            if word and not self._is_lead(word, match.start("word"), field.end):
                break
            lead.append(word or "")
            place = match.end()
        told = told or any(word and _person(self._words).fullmatch(word) for word in lead[-_WORDS_OF_LABEL:])
        gap = re.compile(rf"[{re.escape(_EDGE)}]*").match(self._text, place, field.end)
        return (gap.end() if gap else place), told

    def _is_lead(self, word: str, place: int, end: int) -> bool:
        """Whether a word belongs to the label: a small one, one of roles, one that reports have and no name needs."""
        plain = word.lower()
        if len(word) == 1 and word.isupper():
            return False
        if _person(self._words).fullmatch(word) or plain in self._words.stop:
            return plain not in common_words().particles or (word.islower() and not self._opens(place, end))
        if word.islower():
            return plain not in common_words().particles or not self._opens(place, end)
        if is_strange(word, self._words) or len(word) < 3 or re.fullmatch(INITIALS, word):
            return False
        return whole_shape(self._text, place, self._before_tail(place, end), self._words) is None

    def _opens(self, place: int, end: int) -> bool:
        """Whether a particle begins a surname."""
        return first_shape(self._text, place, end, self._words) is not None

    def _before_tail(self, start: int, end: int) -> int:
        """Before dates, degrees and words that belong to no name at the end of a field."""
        end = start + len(self._text[start:end].rstrip(_EDGE))
        while match := _TAIL.search(self._text, start, end):
            word = match["word"]
            if word and not (
                word.islower() or word.lower() in self._words.stop or _degree(self._words).fullmatch(word)
            ):
                break
            if word and (word.lower() in common_words().particles or (len(word) == 1 and word.isupper())):
                break
            end = match.start()
        stopped = re.compile(INITIALS + "$").search(self._text, start, end + 1)
        return end + 1 if stopped and stopped.end() == end + 1 else end

    def _past_titles(self, place: int) -> int:
        title = re.compile(rf"\s*(?:{self._words.titles}|DRS?|PROF|MRS?)(?:\.\s?|\s+)")
        while match := title.match(self._text, place):
            place = match.end()
        return place

    def _before_verbs(self) -> Iterator[Found]:
        """`Roe was notified`: up to four words before what only a person does."""
        for verb in _verbs(self._words).finditer(self._text):
            line = self._text.rfind("\n", 0, verb.start()) + 1
            pieces = list(re.finditer(rf"{INITIALS}|['’]?{WORD}", self._text[line : verb.start()]))[-5:]
            for piece in pieces:
                shape = first_shape(self._text, line + piece.start(), verb.start(), self._words)
                if shape and shape.end == verb.start() and self._begins(line + piece.start()):
                    yield Found(shape.start, shape.end, "name_before_verb")
                    break

    def _begins(self, place: int) -> bool:
        return not re.match(r"[\w'’-]", self._text[place - 1 : place]) if place else True

    def _after_people(self) -> Iterator[Found]:
        """`by Roe`, and after other words for people at least two words: `patient Jane Roe`."""
        for match in _before(self._words).finditer(self._text):
            shape = first_shape(self._text, self._past_titles(match.end()), len(self._text), self._words)
            if shape is None:
                continue
            alone = _only_people(self._words).fullmatch(match["word"]) is not None
            if alone or shape.strange > 1 or shape.small:
                yield Found(shape.start, shape.end, "name_after_person")


@cache
def _person(words: Words) -> re.Pattern[str]:
    return re.compile(words.person_words, re.IGNORECASE)


@cache
def _only_people(words: Words) -> re.Pattern[str]:
    return re.compile(words.people_before, re.IGNORECASE)


@cache
def _before(words: Words) -> re.Pattern[str]:
    return re.compile(rf"(?<![\w.])(?P<word>{words.people_before}|{words.person_words})\.?[ ](?!\s)", re.IGNORECASE)


@cache
def _degree(words: Words) -> re.Pattern[str]:
    return re.compile(words.credentials, re.IGNORECASE)


@cache
def _verbs(words: Words) -> re.Pattern[str]:
    return re.compile(rf"(?=['’]s\b|[ ])(?:\s?(?:{words.person_verbs}))", re.IGNORECASE)
