"""Addresses, postcodes and the names of hospitals and practices."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

from RSuperLib.report.deidentify.changes import Change, Kind, change
from RSuperLib.report.deidentify.words import Words, common_words

_LABEL = r"(?:^|(?<=[\n\t|;])|(?<=\s\s))[ \t]*"
_REST_OF_LINE = (
    r"[ \t]*(?:[:=]|(?:[|;]|-[ ])(?=[ ]?(?-i:[A-Z])))[ \t]*"
    r"(?P<all>[^\s|;][^\n|;\t]*?)(?=[ \t]*(?:$|[\n|;\t]|[ ]{3,}))"
)
#: After the house number: place, state, postcode, as long as it looks like that.
_TOWN = r"(?:,?[ ]+(?-i:[A-Z])[^\W\d_'-]*(?:[ -](?-i:[A-Z])[^\W\d_'-]*){0,2})"
#: Letters that the second half of a British postcode never has; among them C, M and L, so that sizes are none.
_UK = r"(?<![\w-])(?P<all>[A-Z]{1,2}\d[A-Z\d]?[ ]\d[ABD-HJLNP-UW-Z]{2})(?![\w-])"
_NOT_A_DUTCH_CODE = "CT|MR|MM|CM|ML|CC|HU|MG|KG|KV|MA|GY|IV|SA|SD|SS|PM|AM|US|BI|PA|AP"
_NL = (
    rf"(?<![\w.,-])(?P<all>[1-9]\d{{3}}[ ]?(?!(?:{_NOT_A_DUTCH_CODE})\b)[A-Z]{{2}}"
    r"(?:[ ]{1,2}[A-Z][^\W\d_'-]+(?:[ -][A-Z][^\W\d_]+)?)?)(?![\w-])"
)
_LEGAL_FORM = re.compile(r",?[ ](?:P\.?C\.?|P?L\.?L\.?C\.?|Inc\.?|Ltd\.?|B\.V\.)(?!\w)")
_OWN = re.compile(r"[^\W\d_][\w'’.&-]*")


def place_changes(text: str, words: Words) -> Iterator[Change]:
    """Addresses by label or form, postcodes by form, institutions by label or by what they call themselves."""
    for rule, kind, pattern in _patterns(words):
        for match in pattern.finditer(text):
            yield change(text, match.span("all"), f"[{kind.upper()}]", kind, rule)
    yield from _named_institutions(text, words)


@cache
def _patterns(words: Words) -> tuple[tuple[str, Kind, re.Pattern[str]], ...]:
    states = common_words().states
    zip_code = r"\d{5}(?:-\d{4})?"
    streets = "|".join(words.streets)
    return (
        ("address_labelled", "address", _compiled(rf"{_LABEL}(?:{words.address_labels}){_REST_OF_LINE}")),
        ("institution_labelled", "institution", _compiled(rf"{_LABEL}(?:{words.institution_labels}){_REST_OF_LINE}")),
        ("street", "address", _compiled(
            rf"(?P<all>(?:{streets})(?:,?[ ]+[1-9]\d{{3}}[ ]?[A-Z]{{2}}\b)?{_TOWN}?(?:,?[ ]+(?-i:{states})\b)?"
            rf"(?:,?[ ]+{zip_code})?)(?!\w)")),
        ("state_and_zip", "address", re.compile(
            rf"(?P<all>(?:[A-Z][^\W\d_]+(?:[ ][A-Z][^\W\d_]+){{0,2}},[ ])?(?<!\w)(?:{states})[ ]+{zip_code})"
            r"(?![\w-])")),
        ("postcode_uk", "address", re.compile(_UK)),
        ("postcode_nl", "address", re.compile(_NL)),
    )  # fmt: skip


def _compiled(spelling: str) -> re.Pattern[str]:
    return re.compile(spelling, re.IGNORECASE | re.MULTILINE)


@cache
def _noun(words: Words) -> re.Pattern[str]:
    shouted = words.institution_nouns.upper().replace(r"\S", r"\s")
    return re.compile(rf"(?<![\w-])(?:{words.institution_nouns}|{shouted})(?!\w)")


def _named_institutions(text: str, words: Words) -> Iterator[Change]:
    """`Saint Mary's Hospital`, `University of Somewhere`: the noun with the capitalised words around it."""
    for match in _noun(words).finditer(text):
        start, end = _back_over_name(text, match.start(), words), _over_name(text, match.end(), words)
        if (start, end) != match.span():
            yield change(text, (start, end), "[INSTITUTION]", "institution", "institution_named")


def _back_over_name(text: str, place: int, words: Words) -> int:
    line = text.rfind("\n", 0, place) + 1
    for token in reversed(list(_OWN.finditer(text, line, place))):
        word = token.group()
        joins = word.lower() in ("of", "and", "&", "van", "de", "der", "den") and place < len(text)
        if text[token.end() : place].strip(" &"):
            break
        if joins and _is_own(_word_before(text, line, token.start()), words):
            continue
        if not _is_own(word, words):
            break
        place = token.start()
    return place


def _word_before(text: str, line: int, place: int) -> str:
    tokens = _OWN.findall(text, line, place)
    return tokens[-1] if tokens else ""


def _over_name(text: str, place: int, words: Words) -> int:
    """After the noun: `of Somewhere`, `Sint Jan`."""
    follows = re.compile(
        r"[ ](?:(?i:of|at|in|van|de|der|den|het|te)[ ]){0,2}"
        r"(?P<own>(?:[A-Z]|(?<=\s)'s-)[^\W\d_'’.-]*(?:[-'’][^\W\d_]+)*)"
    )
    while (match := follows.match(text, place)) and _is_own(match["own"], words):
        place = match.end()
    form = _LEGAL_FORM.match(text, place)
    return form.end() if form else place


def _is_own(word: str, words: Words) -> bool:
    """Whether a word can belong to the name of an institution."""
    plain = word.lower().strip(".,'’")
    if not word[:1].isupper() or plain in common_words().not_own or len(plain) < 2:
        return False
    return plain not in words.stop and (plain not in words.not_names or plain in ("general", "medical", "cancer"))
