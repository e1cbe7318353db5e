"""`rsuper bench deidentify`: how many made-up identifiers the scrubber hides, and what else it takes away."""

from __future__ import annotations

import json
import math
import os
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any

from RSuperLib.bench.identified_reports import (
    EARLIER_HELD_OUT,
    FAMILIES,
    HELD_OUT,
    Family,
    Identifier,
    draw_body,
    draw_report,
)
from RSuperLib.io.progress import Progress, no_progress
from RSuperLib.report import Reading, read_report
from RSuperLib.report.deidentify import Change, Scrubbed, scrub

CASES = 1000
_SHIFT = timedelta(weeks=-57)
_WORD = re.compile(r"\w+")


@dataclass
class _Counts:
    """Hits of all and of each group."""

    hits: dict[str, list[int]] = field(default_factory=lambda: defaultdict(lambda: [0, 0]))

    def add(self, group: str, hit: bool) -> None:
        self.hits[group][0] += hit
        self.hits[group][1] += 1

    def table(self) -> dict[str, dict[str, float]]:
        return {group: proportion(*self.hits[group]) for group in sorted(self.hits)}


def run(cases: int | None = None, seed: int = 0, progress: Progress = no_progress) -> dict[str, Any]:
    """Recall of identifiers by kind, and how much of reports without identifiers is changed.

    Real reports are taken too where RSUPER_DATA names them: as bodies for the identifiers, and as they are.

    Args:
        cases: reports with identifiers, and as many without; None = 1000.
        seed: of the first report.
        progress: told now and then.
    """
    count = cases or CASES
    real = real_reports()
    result: dict[str, Any] = {"cases": count, "first_seed": seed, "real_bodies": len(real)}
    groups = {"known_styles": FAMILIES, "held_out_styles": HELD_OUT, "earlier_held_out_styles": EARLIER_HELD_OUT}
    for step, (name, families) in enumerate(groups.items()):
        progress(name.replace("_", " "), step / 4)
        result[name] = recall(count, seed, families, real)
    progress("reports without identifiers", 3 / 4)
    result["own_reports_without_identifiers"] = over_scrubbing(_clean_reports(count, seed))
    result["real_reports"] = over_scrubbing(text for _, text in real)
    return result


def recall(count: int, seed: int, families: dict[str, Family], real: list[tuple[str, str]]) -> dict[str, Any]:
    """Share of identifiers that are hidden wholly, by kind; names also by culture.

    Args:
        count: how many reports.
        seed: of the first report; report k has seed + k.
        families: styles, taken in turns.
        real: (language, text) of real reports; every second report takes one as its body.
    """
    kinds, cultures, styles = _Counts(), _Counts(), _Counts()
    names = sorted(families)
    for number in range(count if names else 0):
        random = Random(seed + number)  # noqa: S311 - made-up data
        name = names[number % len(names)]
        text, identifiers = draw_report(random, families[name], _real_body(random, families[name], real))
        changes = scrub(text, _SHIFT).changes
        for one in identifiers:
            hit = is_hidden(text, one, changes)
            kinds.add(one.kind, hit)
            if one.kind == "name":
                styles.add(name, hit)
            if one.culture:
                cultures.add(one.culture, hit)
    return {"by_kind": kinds.table(), "names_by_culture": cultures.table(), "names_by_style": styles.table()}


def is_hidden(text: str, one: Identifier, changes: Iterable[Change]) -> bool:
    """Whether every letter and digit of an identifier is changed; a date that moved onto itself is not."""
    covered = {place for change in changes if change.new != change.old for place in range(change.start, change.end)}
    return all(place in covered or not text[place].isalnum() for place in range(one.start, one.end))


def over_scrubbing(texts: Iterable[str]) -> dict[str, Any]:
    """Words changed in reports that identify nobody but for dates, and whether the reading stays the same."""
    words = changed = reports = dates = altered = 0
    for text in texts:
        scrubbed = scrub(text, _SHIFT)
        spans = [match.span() for match in _WORD.finditer(text)]
        reports += 1
        words += len(spans)
        dates += sum(one.kind == "date" for one in scrubbed.changes)
        changed += sum(_touched(span, scrubbed) for span in spans)
        altered += not same_reading(read_report(text), read_report(scrubbed.text))
    return {"reports": reports, "words": proportion(changed, words), "dates_moved": dates, "readings_altered": altered}


def same_reading(one: Reading, other: Reading) -> bool:
    """Whether two readings say the same, wherever it stands in the text."""
    return bool(_without_places(one) == _without_places(other))


def real_reports() -> list[tuple[str, str]]:
    """(language, text) of the reports that RSUPER_DATA names; none where it is not set."""
    path = Path(os.environ.get("RSUPER_DATA", "")) / "data" / "reports" / "reports.jsonl"
    if "RSUPER_DATA" not in os.environ or not path.is_file():
        return []
    rows = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    return [(row["language"], row["text"]) for row in rows]


def proportion(hits: int, count: int) -> dict[str, float]:
    """A share with its 95 % interval (Wilson 1927)."""
    if not count:
        return {"n": 0}
    z, share = 1.959964, hits / count
    middle = (share + z * z / (2 * count)) / (1 + z * z / count)
    half = z * math.sqrt(share * (1 - share) / count + z * z / (4 * count * count)) / (1 + z * z / count)
    low, high = max(0.0, middle - half), min(1.0, middle + half)
    return {"n": count, "share": round(share, 4), "low": round(low, 4), "high": round(high, 4)}


def _real_body(random: Random, family: Family, real: list[tuple[str, str]]) -> list[str] | None:
    bodies = [text for language, text in real if language == family.language]
    if not bodies or random.random() < 0.5:
        return None
    return [line for line in random.choice(bodies).splitlines() if line.strip()]


def _clean_reports(count: int, seed: int) -> Iterator[str]:
    for number in range(count):
        random = Random(seed + number)  # noqa: S311 - made-up data
        yield "\n".join(draw_body(random, "nl" if number % 4 == 3 else "en"))


def _touched(span: tuple[int, int], scrubbed: Scrubbed) -> bool:
    return any(one.start < span[1] and span[0] < one.end for one in scrubbed.changes if one.kind != "date")


def _without_places(value: Any) -> Any:
    """A reading as data without evidence and checksum."""
    data = value.model_dump(mode="json") if isinstance(value, Reading) else value
    if isinstance(data, dict):
        gone = ("evidence", "field_evidence", "text_sha256", "id")
        return {key: _without_places(item) for key, item in data.items() if key not in gone}
    return [_without_places(item) for item in data] if isinstance(data, list) else data
