"""What a name looks like: its words, initials and particles, and how sure its look alone makes one."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from RSuperLib.report.deidentify.words import Words, common_words

LETTER = r"(?:[^\W\d_][\u0300-\u036f]*)"
WORD = rf"{LETTER}+(?:['’´`‐‑–-]{LETTER}+)*"
_INITIAL = rf"(?:{LETTER}|[CPSTKZ]h|S[jt]|I[Jj]|Yu)\."
INITIALS = rf"(?:{_INITIAL}[ ]?-?){{0,5}}{_INITIAL}"
#: Particles that are tied to the name: `al-Masri`, `d'Arcy`.
TIED_PARTICLE = re.compile(
    r"^(?:al|el|bin|ibn|abu|ul|ad|as|ash|ar|at|an|d|l|dell|van|von|'t)[-'’‐‑](?=[^\W\d_])", re.IGNORECASE
)
_TOKEN = re.compile(rf"(?P<initials>{INITIALS})(?!\w{{3}})|(?P<word>['’]?{WORD}(?:(?<=\b[SJsj][tr])\.)?)|(?P<comma>,)")
_MOST_TOKENS = 8
#: Endings of words of reports; the longer the word, the fewer names have them.
_LEARNED = re.compile(
    r".{3,}(?:itis|omas?|osis|oses|ectomy|ostomy|otomy|plasty|graphy|graph|graphic|gram|grams|scopy|scopic|pathy|pathic|emia"
    r"|uria|tions?|sions?|ical|ically|ular|ments?|ology|ologic|ologist|ectasis|ectatic|megaly|lateral|trophy|trophic|genic"
    r"|cele|algia|cillin|mycin|aneous|eous|ious|inal|onal|eral|oral|ural|ally|ously|ively|ately|ably|ibly|ized|ised"
    r"|ness|ities|ivity|ility|ality|osity|ances?|ences?|itive|ative|ctive|sive|able|ible|less|ful|lytic|blastic|oid"
    r"|atie|ingen|heid|heden|isch|ische|itief|logie|grafie|scopie|achtig|achtige|lijk|lijke|baar|bare|loos|loze|uele|ele"
    r"|antie|entie|eerd|eerde|teit|ectomie)$"
)

_ENDINGS = (
    ("s", ("",)), ("es", ("",)), ("ies", ("y",)), ("ing", ("", "e")), ("ed", ("", "e")), ("ly", ("",)), ("e", ("",)),
    ("en", ("", "e")), ("er", ("", "e")), ("y", ("",)), ("al", ("", "e")), ("ization", ("ize", "")),
    ("ation", ("e", "")),
)  # fmt: skip


@dataclass(frozen=True)
class Found:
    """Characters start to end of a text that name somebody, and the rule that says so."""

    start: int
    end: int
    rule: str


@dataclass(frozen=True)
class Shape:
    """What a stretch of words that may be a name is made of.

    Attributes:
        strange: words that neither reports nor the language have.
        known: words that are names only if something else says so: "Stone", "Long".
        small: initials and particles.
        comma: whether the first words and the others are parted by a comma: `Roe, Jane`.
        start: where it begins.
        end: one past its last character.
    """

    strange: int
    known: int
    small: int
    comma: bool
    start: int
    end: int

    def is_name(self, *, told: bool, near: bool) -> bool:
        """Whether it is a name.

        Args:
            told: whether a word before it tells of a person.
            near: whether another identifier stands on the line.
        """
        whole = self.strange + self.known
        if told:
            return self.strange > 0 or (self.known > 0 and whole + self.small in (2, 3))
        if self.comma:
            return self.strange > 0 and whole + self.small > 1 and (near or not self.known)
        if near:
            return self.strange > 1 or (self.strange > 0 and whole + self.small > 1)
        return self.strange > 1 and not self.known


def whole_shape(text: str, start: int, end: int, words: Words) -> Shape | None:
    """The shape of all that stands from start to end, or None where something in it belongs to no name."""
    shape = _shape(text, start, end, words, commas=True, known=True)
    return shape if shape and shape.end == end else None


def first_shape(text: str, start: int, end: int, words: Words) -> Shape | None:
    """The shape of the words that no report has and that begin here, as many as there are."""
    return _shape(text, start, end, words, commas=False, known=False)


def is_strange(word: str, words: Words) -> bool:
    """Whether neither reports nor the language have a word."""
    plain = word.lower().strip("'’.").removesuffix("'s").removesuffix("’s")
    if _is_known(plain, words) or _LEARNED.search(plain):
        return False
    halves = re.split(r"[-‐‑–]", plain)
    if len(halves) > 1:
        known = [_is_known(half, words) or bool(_LEARNED.search(half)) for half in halves]
        return not (all(known) or halves[0] in common_words().prefixes)
    return True


@cache
def _is_known(word: str, words: Words) -> bool:
    lists = (words.stop, words.not_names, words.ordinary, common_words().eponyms)
    return any(form in names for form in _stems(word) for names in lists)


def _stems(word: str) -> Iterator[str]:
    """The word, and what it may be a form of: boundaries, comparing, rechtszijdige."""
    yield word
    for ending, others in _ENDINGS:
        if word.endswith(ending) and len(word) > len(ending) + 3:
            yield from (word.removesuffix(ending) + other for other in others)


def _shape(text: str, start: int, end: int, words: Words, *, commas: bool, known: bool) -> Shape | None:
    counts = {"strange": 0, "known": 0, "small": 0, "comma": 0}
    place = last = start
    for _ in range(_MOST_TOKENS):
        match = _TOKEN.match(text, _past_blank(text, place), end)
        kind = _kind(match, words) if match else ""
        if match is None or not kind or (kind == "known" and not known):
            break
        if kind == "comma" and (not commas or counts["comma"] or place == start):
            break
        counts[kind] += 1
        place = match.end()
        if kind != "comma" and (len(match.group()) == 1 or not _is_particle(match.group())):
            last = place
    if not counts["strange"] + counts["known"]:
        return None
    comma = bool(counts.pop("comma"))
    return Shape(**counts, comma=comma, start=_past_blank(text, start), end=last)


def _is_particle(token: str) -> bool:
    return token.strip("'’").lower() in common_words().particles


def _kind(match: re.Match[str], words: Words) -> str:
    """`strange`, `known`, `small`, `comma`, or nothing for what belongs to no name."""
    token = match.group()
    if match["comma"]:
        return "comma"
    if match["initials"]:
        return "small" if token[0].isupper() else ""
    return _kind_of_word(token.rstrip("."), words)


def _kind_of_word(word: str, words: Words) -> str:
    lower = word.lower().strip("'’")
    if len(word) == 1 and word.isupper():
        return "small"
    if lower in common_words().particles or lower in common_words().suffixes:
        return "small" if lower not in words.stop or not word.isupper() or len(lower) > 2 else ""
    if lower in words.stop or not TIED_PARTICLE.sub("", word).strip("'’")[:1].isupper():
        return ""
    if len(word) == 2 and word.isupper():  # `Roe JA`
        return "small" if is_strange(word, words) else ""
    return "strange" if is_strange(word, words) else "known"


def _past_blank(text: str, place: int) -> int:
    most = 2 if text[max(place - 1, 0) : place] in (".", ",") else 1
    while most and text[place : place + 1] in (" ", "\u00a0"):
        place, most = place + 1, most - 1
    return place
