"""Which language a report is written in, by its small words."""

from __future__ import annotations

import re
from collections import Counter
from functools import cache
from itertools import pairwise

from RSuperLib.report.compounds import Compounds
from RSuperLib.report.lexicon import Table, function_words, load_language, supported_languages
from RSuperLib.report.normalise import NormalText

_ENOUGH = 2000  # characters from each end are enough to tell
_LEAST_SHARE = 0.08  # of the words must be known ones
_LEAD = 2  # small words by which a sentence must speak for one language to count for it
_PLAIN_LEAD = 2  # times the small words of any other language leave no doubt
_NONE = (("", 0), ("", 0))
_FOREIGN_SHARE = 0.3  # of the words in sentences that can be told; above it no language may stand for the whole


def detect_language(report: NormalText) -> str:
    """Two-letter code of the language, that of most words; "" where it cannot be told.

    A supported language also counts by its medical words, so that "Liver: unremarkable" is English; but languages
    share such words, so that another language's small words outweigh as many of them.
    """
    text = _ends(report.text)
    tokens = _tokens(text)
    small = _small_words(tokens)
    (first, most), (_, second) = (*small.most_common(2), *_NONE)[:2]
    enough = max(1, _LEAST_SHARE * len(tokens))
    if first in supported_languages() and most >= max(enough, _PLAIN_LEAD * second):
        return first
    scores = Counter(small)
    for code in supported_languages():
        compounds, medical = _medical_words(code)
        scores[code] += len(medical.find(_ends(compounds.separate(report).text)))
    best = max(scores, key=lambda code: (scores[code], code in supported_languages(), small[code]))
    return best if scores[best] >= enough else ""


@cache
def _medical_words(code: str) -> tuple[Compounds, Table[str]]:
    """What tells a language besides its small words; less than its whole vocabulary, which may never be needed."""
    language = load_language(code)
    heads = [row[number] for row in language.lesions["heads"] for number in ("one", "many") if number in row]
    words = [*language.anatomy["organs"].values(), *heads, *language.context["normal"], *language.context["ectomies"]]
    words.append(language.lesions["other_nouns"])
    return Compounds(language.grammar["compounds"]), Table((pattern, code) for pattern in words)


def foreign_language(report: NormalText, code: str) -> str:
    """A second language in which so much of the report is written that reading it as `code` would miss it; else ""."""
    share: Counter[str] = Counter()
    cuts = [0, *(m.end() for m in re.finditer(r"\n|[.!?;](?=\s)", report.cased)), len(report.cased)]
    for start, end in pairwise(cuts):
        tokens = _tokens(report.text[start:end])
        (first, most), (_, second) = (*_small_words(tokens).most_common(2), *_NONE)[:2]
        if most - second >= _LEAD:
            share[first] += len(tokens)
    others = [(count, other) for other, count in share.items() if other != code]
    count, other = max(others, default=(0, ""))
    return other if count > _FOREIGN_SHARE * share.total() else ""


def _ends(text: str) -> str:
    return text if len(text) < 2 * _ENOUGH else text[:_ENOUGH] + text[-_ENOUGH:]


def _tokens(text: str) -> list[str]:
    return re.findall(r"[^\W\d_]{2,}", text)  # one letter may be a numeral: "segment I"


def _small_words(tokens: list[str]) -> Counter[str]:
    languages = function_words()
    return Counter(code for token in tokens for code in languages.get(token, ()))
