"""What was read out of a report, as far as the panel shows it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

from RSuperUI.Finding import Finding, Span, spansOf


@dataclass(frozen=True)
class Reading:
    """Typed view of a `reading.json` (its schema is that of RSuperLib.report; pydantic is not needed to look at it).

    Attributes:
        isRead: whether the report could be read at all.
        reason: why not, one plain sentence.
        findings: in the order of the report.
        clearedSpans: where the report says that an organ is normal or has no lesion.
    """

    isRead: bool = False
    reason: str = ""
    textChecksum: str = ""
    findings: tuple[Finding, ...] = ()
    clearedSpans: tuple[Span, ...] = ()

    @classmethod
    def fromJson(cls, content: dict[str, Any]) -> Reading:
        """Look at the content of a `reading.json`; empty content is an empty reading."""
        cleared = [organ for organ in content.get("organs", []) if organ["status"] in ("normal", "no_lesion", "absent")]
        return cls(
            isRead=content.get("status") == "read",
            reason=content.get("reason", ""),
            textChecksum=content.get("text_sha256", ""),
            findings=tuple(Finding.fromJson(finding) for finding in content.get("findings", [])),
            clearedSpans=tuple(span for organ in cleared for span in spansOf(organ.get("evidence", []))),
        )

    @property
    def lesions(self) -> list[Finding]:
        """The findings that are lesions now: not negated, not prior, not resected."""
        return [finding for finding in self.findings if finding.isLesion]

    def isOf(self, text: str) -> bool:
        """Whether this is the reading of exactly that text."""
        return self.textChecksum == hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
