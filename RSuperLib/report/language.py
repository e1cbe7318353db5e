"""Which language a report is written in, by its small words."""

from __future__ import annotations

import re
from typing import Any

from RSuperLib.report.lexicon import Table, function_words, supported_languages
from RSuperLib.report.normalise import NormalText
from RSuperLib.report.vocabulary import vocabulary

_ENOUGH = 2000  # characters from each end are enough to tell


def detect_language(report: NormalText) -> str:
    """Two-letter code of the language; "" where it cannot be told.

    A supported language also counts by its medical words, so that "Liver: unremarkable" is English; but languages
    share such words, so that another language's small words outweigh as many of them.
    """
    text = report.text if len(report.text) < 2 * _ENOUGH else report.text[:_ENOUGH] + report.text[-_ENOUGH:]
    tokens = re.findall(r"[^\W\d_]{2,}", text)  # one letter may be a numeral: "segment I"
    scores = {code: sum(token in words for token in tokens) for code, words in function_words().items()}
    small = max(scores, key=lambda code: scores[code])
    for code in supported_languages():
        words = vocabulary(code)
        tables: list[Table[Any]] = [words.organs, words.heads, words.normal, words.other_nouns, words.ectomies]
        scores[code] = scores.get(code, 0) + sum(len(table.find(text)) for table in tables)
    best = max(scores, key=lambda code: (scores[code], code == small))
    return best if scores[best] >= max(1, 0.08 * len(tokens)) else ""
