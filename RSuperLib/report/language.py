"""Which language a report is written in, by its small words."""

from __future__ import annotations

import re

from RSuperLib.report.lexicon import function_words, supported_languages
from RSuperLib.report.normalise import NormalText
from RSuperLib.report.vocabulary import vocabulary

_ENOUGH = 2000  # characters from each end are enough to tell


def detect_language(report: NormalText) -> str:
    """Two-letter code of the language; "" where it cannot be told.

    A supported language also counts by its medical words, so that "Liver: unremarkable" is English.
    """
    text = report.text if len(report.text) < 2 * _ENOUGH else report.text[:_ENOUGH] + report.text[-_ENOUGH:]
    tokens = re.findall(r"[^\W\d_]+", text)
    scores = {code: sum(token in words for token in tokens) for code, words in function_words().items()}
    for code in supported_languages():
        words = vocabulary(code)
        medical = len(words.organs.find(text)) + len(words.heads.find(text)) + len(words.normal.find(text))
        scores[code] = scores.get(code, 0) + medical
    best = max(scores, key=lambda code: scores[code])
    return best if scores[best] >= max(1, 0.08 * len(tokens)) else ""
