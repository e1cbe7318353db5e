"""The report of a phantom: true of its image, in one of many styles, with a record of all that it says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from RSuperLib.phantom.describe import Described, LesionWriter
from RSuperLib.phantom.facts import Facts
from RSuperLib.phantom.wording import Style, draw_style, joined, rounded_mm, size_text
from RSuperLib.report.schema import Evidence, Finding, OrganStatus

#: Organs in the order of the report: (organ, heading, name in a sentence, is it plural).
_ORGANS = (
    ("lung", "Lung bases", "lung bases", True),
    ("liver", "Liver", "liver", False),
    ("gallbladder", "Gallbladder", "gallbladder", False),
    ("spleen", "Spleen", "spleen", False),
    ("pancreas", "Pancreas", "pancreas", False),
    ("adrenal", "Adrenal glands", "adrenal glands", True),
    ("kidney", "Kidneys", "kidneys", True),
    ("stomach", "Stomach", "stomach", False),
    ("colon", "Colon", "colon", False),
)
_PHASE_WORDS = {
    "arterial": ("in the arterial phase after intravenous contrast", "with IV contrast, arterial phase"),
    "portal": ("in the portal venous phase after intravenous contrast", "with IV contrast, portal venous phase"),
    "none": ("without intravenous contrast", "without contrast"),
}


@dataclass(frozen=True)
class WrittenReport:
    """A report and what it states.

    Attributes:
        text: the report.
        findings: what it says of lesions, with evidence.
        labels: for each finding the lesions it is about (none for one that is denied).
        size_texts: for each finding its size as written, or "".
        organs: what it says of whole organs.
    """

    text: str
    findings: list[Finding]
    labels: list[tuple[int, ...]]
    size_texts: list[str]
    organs: list[OrganStatus]


def write_report(facts: Facts, random: np.random.Generator) -> WrittenReport:
    """Write a report on what is there; all randomness is style."""
    return _ReportWriter(facts, random).write()


@dataclass
class _Claim:
    """An organ's status and the sentence that states it."""

    organ: str
    status: str
    text: str
    laterality: str | None = None


class _ReportWriter:
    def __init__(self, facts: Facts, random: np.random.Generator) -> None:
        self._facts = facts
        self._random = random
        self._style: Style = draw_style(random)
        self._claims: list[_Claim] = []
        self._described: list[Described] = []

    def write(self) -> WrittenReport:
        body = self._organ_sentences()
        lines = [*self._header(), *self._findings_lines(body), *self._impression_lines()]
        text = "\n".join(lines).strip() + "\n"
        report = self._with_evidence(text)
        return report if not self._style.wrap else _wrapped(report, self._style.wrap)

    def _pick(self, *choices: str) -> str:
        return str(self._random.choice(choices))

    def _chance(self, probability: float) -> bool:
        return bool(self._random.random() < probability)

    def _header(self) -> list[str]:
        phase = self._pick(*_PHASE_WORDS[self._facts.phase])
        if self._style.layout == "brief":
            return [f"CT abdomen {phase}."]
        lines = [f"EXAM: CT of the abdomen {phase}."]
        if self._chance(0.5):
            lines.append(self._pick("INDICATION: Abdominal pain.", "INDICATION: Weight loss.", "HISTORY: Follow-up.",
                                    "INDICATION: History of malignancy, restaging."))  # fmt: skip
        if self._chance(0.5):
            lines.append(f"TECHNIQUE: Axial images with {self._facts.slice_mm:.3g} mm slice thickness were obtained.")
        if self._style.comparison:
            lines.append(f"COMPARISON: CT of {self._style.comparison}.")
        elif self._chance(0.5):
            lines.append("COMPARISON: None.")
        return [*lines, ""]

    def _organ_sentences(self) -> list[tuple[str, list[str]]]:
        writer = LesionWriter(self._facts, self._style, self._random)
        together = self._organs_told_together()
        body: list[tuple[str, list[str]]] = []
        for organ, heading, name, many in _ORGANS:
            described = writer.describe(organ)
            self._described += described
            sentences = [text for item in described for section, text in item.sentences if section == "findings"]
            if not described and organ not in together and self._chance(0.8):
                sentences += self._clear_sentence(organ, heading, name, many)
            elif described:
                sentences += self._other_side_clear(organ)
            sentences += self._extras(organ)
            if sentences:
                body.append((heading, sentences))
        if together:
            body.append(("Other organs", [self._together_sentence(together)]))
        body.append(("Other", self._closing_sentences()))
        return body

    def _organs_told_together(self) -> list[str]:
        """Clear organs that one sentence covers: "The spleen, pancreas, and adrenal glands are unremarkable"."""
        if not self._chance(0.35):
            return []
        organs = [organ for organ, *_ in _ORGANS if organ in self._facts.clear and organ not in ("lung", "gallbladder")]
        return organs if len(organs) >= 2 else []

    def _together_sentence(self, organs: list[str]) -> str:
        names = {organ: name for organ, _, name, _ in _ORGANS}
        text = f"The {joined([names[organ] for organ in organs])} are {self._pick('unremarkable', 'normal')}."
        self._claims += [_Claim(organ, "normal", text) for organ in organs]
        return text

    def _clear_sentence(self, organ: str, heading: str, name: str, many: bool) -> list[str]:
        if organ == "gallbladder" and not self._facts.gallbladder:
            text = self._pick("Status post cholecystectomy.", "The gallbladder is surgically absent.")
            self._claims.append(_Claim(organ, "absent", text))
            return [text]
        if organ not in self._facts.clear:
            return []
        if self._style.layout == "sections" and self._chance(0.5):
            status, text = self._short_clear_sentence()
            self._claims.append(_Claim(organ, status, f"{self._heading(heading)}: {text}"))
            return [text]
        are = "are" if many else "is"
        status, text = {
            0: ("normal", f"The {name} {are} unremarkable."),
            1: ("normal", f"The {name} {are} normal."),
            2: ("no_lesion", f"No focal lesion in the {name}."),
            3: ("no_lesion", f"No mass is seen in the {name}."),
            4: ("no_lesion", f"The {name} {are} free of focal lesions."),
        }[int(self._random.integers(5))]
        self._claims.append(_Claim(organ, status, text))
        return [text]

    def _short_clear_sentence(self) -> tuple[str, str]:
        """A status told under the organ's heading, without its name."""
        choices = (
            ("normal", "Unremarkable."),
            ("normal", "Normal."),
            ("normal", "Within normal limits."),
            ("no_lesion", "No focal lesion."),
            ("no_lesion", "No mass."),
        )
        return choices[int(self._random.integers(len(choices)))]

    def _heading(self, heading: str) -> str:
        return heading.upper() if self._style.capitals else heading

    def _other_side_clear(self, organ: str) -> list[str]:
        if organ not in ("kidney", "adrenal") or not self._chance(0.5):
            return []
        noun = {"kidney": "kidney", "adrenal": "adrenal gland"}[organ]
        for side in ("left", "right"):
            if f"{organ} {side}" in self._facts.clear:
                text = f"The {side} {noun} is {self._pick('unremarkable', 'normal')}."
                self._claims.append(_Claim(organ, "normal", text, side))
                return [text]
        return []

    def _extras(self, organ: str) -> list[str]:
        """True things that are no lesions, and sizes that are not those of lesions."""
        facts = self._facts
        extras = []
        if organ in facts.lengths_mm and self._chance(0.25):
            length = size_text([rounded_mm(facts.lengths_mm[organ])], self._chance(0.7), "")
            extras.append(self._pick(f"The {organ} measures {length} in craniocaudal dimension.",
                                     f"The {organ} measures {length} in length."))  # fmt: skip
        if organ == "liver" and facts.fatty_liver:
            extras.append(self._pick("Diffuse hepatic steatosis.", "There is fatty infiltration of the liver."))
        if organ == "liver" and self._style.comparison and self._chance(0.12):
            extras += self._resolved_lesion()
        if organ == "kidney":
            for stone in facts.stones:
                size = size_text([rounded_mm(stone.diameter_mm)], False, "")
                extras.append(f"{size} nonobstructing stone in the {stone.side} kidney.")
            extras += ["No hydronephrosis."] if self._chance(0.4) else []
        return extras

    def _resolved_lesion(self) -> list[str]:
        """A lesion of the past in a segment that has none now."""
        used = {name for lesion in self._facts.lesions for name in lesion.parts}
        free = [number for number in range(2, 9) if f"liver_segment_{number}" not in used]
        if not free:
            return []
        number, size = int(self._random.choice(free)), int(self._random.integers(6, 20))
        text = f"The previously described {size} mm lesion in segment {number} is no longer seen."
        values = {
            "organ": "liver", "parts": [f"segment {number}"], "organ_masks": [f"liver_segment_{number}"],
            "count": 1, "count_kind": "exact", "multiplicity": "single", "prior_mm": [float(size)],
            "presence": "absent", "temporality": "prior", "kind_text": "lesion",
        }  # fmt: skip
        self._described.append(Described(values, (), [("findings", text)]))
        return [text]

    def _closing_sentences(self) -> list[str]:
        sentences = []
        if self._facts.aortic_calcification and self._chance(0.7):
            sentences.append(self._pick("Atherosclerotic calcification of the aorta.", "Calcified aortic plaque."))
        if self._chance(0.5):
            text = self._pick("No enlarged lymph nodes.", "There is no lymphadenopathy.")
            self._claims.append(_Claim("lymph_node", "no_lesion", text))
            sentences.append(text)
        sentences.append(self._pick("No free fluid.", "No ascites.", "No free air.", "No bowel obstruction."))
        if self._chance(0.4):
            sentences.append("Degenerative changes of the spine.")
        return sentences

    def _findings_lines(self, body: list[tuple[str, list[str]]]) -> list[str]:
        layout = self._style.layout
        if layout == "sections":
            return ["FINDINGS:", *(f"{self._heading(heading)}: {' '.join(texts)}" for heading, texts in body), ""]
        every = [text for _, texts in body for text in texts]
        if layout == "numbered":
            return ["FINDINGS:", *(f"{number}. {text}" for number, text in enumerate(every, start=1)), ""]
        start = "" if layout == "brief" else "FINDINGS: "
        return [start + " ".join(every), ""]

    def _impression_lines(self) -> list[str]:
        if not self._style.impression or self._style.layout == "brief":
            for item in self._described:
                item.sentences = [(section, text) for section, text in item.sentences if section == "findings"]
            return []
        texts = [text for item in self._described for section, text in item.sentences if section == "impression"]
        if not any(item.labels for item in self._described):
            texts.append(self._pick("No acute abnormality in the abdomen.", "No significant interval change."
                                    if self._style.comparison else "No acute findings."))  # fmt: skip
        heading = self._pick("IMPRESSION:", "CONCLUSION:", "IMPRESSION:")
        if len(texts) == 1 or self._chance(0.2):
            return [heading, *texts]
        return [heading, *(f"{number}. {text}" for number, text in enumerate(texts, start=1))]

    def _with_evidence(self, text: str) -> WrittenReport:
        finder = _SpanFinder(text)
        findings = [
            Finding.model_validate(
                {
                    **item.values,
                    "lesion_id": f"L{number}",
                    "evidence": [finder.find(s, part) for part, s in item.sentences],
                }
            )
            for number, item in enumerate(self._described, start=1)
        ]
        spans: dict[str, Evidence] = {}
        organs = []
        for claim in self._claims:
            if claim.text not in spans:
                spans[claim.text] = finder.find(claim.text, "findings")
            organs.append(
                OrganStatus.model_validate(
                    {"organ": claim.organ, "status": claim.status, "laterality": claim.laterality,
                     "evidence": [spans[claim.text]]}
                )
            )  # fmt: skip
        labels = [item.labels for item in self._described]
        return WrittenReport(text, findings, labels, [item.size_text for item in self._described], organs)


class _SpanFinder:
    """Finds sentences in a text; a sentence that occurs twice is found at both places, one after the other."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._next: dict[tuple[str, str], int] = {}
        impression = max(text.rfind("IMPRESSION:"), text.rfind("CONCLUSION:"))
        self._starts = {"findings": 0, "impression": max(impression, 0)}

    def find(self, words: str, section: str) -> Evidence:
        start = self._text.index(words, self._next.get((words, section), self._starts[section]))
        self._next[(words, section)] = start + len(words)
        return Evidence(start=start, end=start + len(words), text=words, section=section)


def _wrapped(report: WrittenReport, width: int) -> WrittenReport:
    """The same report with lines of at most `width`: blanks become line ends, so that spans stay where they are."""
    characters = list(report.text)
    start, blank = 0, -1
    for index, character in enumerate(characters):
        if character == "\n":
            start, blank = index + 1, -1
        elif character == " ":
            blank = index
        if index - start >= width and blank >= 0:
            characters[blank] = "\n"
            start, blank = blank + 1, -1
    text = "".join(characters)
    records: list[Finding | OrganStatus] = [*report.findings, *report.organs]
    for record in records:
        record.evidence = [
            Evidence(start=e.start, end=e.end, text=text[e.start : e.end], section=e.section) for e in record.evidence
        ]
    return WrittenReport(text, report.findings, report.labels, report.size_texts, report.organs)


def as_records(report: WrittenReport) -> list[dict[str, Any]]:
    """Findings as JSON, each with the lesions it is about and its size as written."""
    return [
        finding.model_dump(mode="json") | {"lesions": list(labels), "size_text": size}
        for finding, labels, size in zip(report.findings, report.labels, report.size_texts, strict=True)
    ]
