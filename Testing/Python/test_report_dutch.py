"""Dutch sentences as radiologists write them, each with its right reading. Every one stands for a rule."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from RSuperLib.report import Finding, read_report
from RSuperLib.report.place import UNSIDED

CLEAR = ("normal", "no_lesion")

#: Text, then for each finding the fields that matter there.
FINDINGS: list[tuple[str, list[dict[str, Any]]]] = [
    # Compounds, and both spellings.
    ("Leverlaesie van 12 mm.", [{"organ": "liver", "kind": "indeterminate", "diameters_mm": [12], "count": 1}]),
    ("Hypodense lesie in de lever van 2,3 cm.", [{"organ": "liver", "attenuation": "hypo", "diameters_mm": [23]}]),
    ("Niercyste links van 4 cm.", [{"organ": "kidney", "laterality": "left", "kind": "cyst", "diameters_mm": [40]}]),
    (
        "Bijnieradenoom rechts, 18 x 14 mm.",
        [{"organ": "adrenal", "laterality": "right", "kind": "benign", "diameters_mm": [18, 14]}],
    ),
    (
        "Longnodus van 6 mm in de rechter bovenkwab.",
        [{"organ": "lung", "laterality": "right", "parts": ["upper lobe"], "organ_masks": ["lung_right_upper_lobe"]}],
    ),
    (
        "Meerdere levermetastasen.",
        [{"organ": "liver", "kind": "metastasis", "multiplicity": "multiple", "count": None}],
    ),
    (
        "Pancreaskopcarcinoom van 3,1 cm.",
        [{"organ": "pancreas", "parts": ["head"], "kind": "tumour", "malignancy": "malignant", "diameters_mm": [31]}],
    ),
    ("Botmetastase in wervel L3.", [{"organ": "bone", "kind": "metastasis", "parts": ["vertebra", "l3"]}]),
    ("Miltcyste van 22 mm.", [{"organ": "spleen", "kind": "cyst", "diameters_mm": [22]}]),
    (
        "Schildkliernodus in de linker kwab van 15 mm.",
        [{"organ": "thyroid", "laterality": "left", "diameters_mm": [15], "kind": "indeterminate"}],
    ),
    # Segments, lobes, poles.
    ("Laesie in leversegment VII van 9 mm.", [{"organ": "liver", "parts": ["segment 7"]}]),
    (
        "Laesies in de segmenten 5 en 6 van de lever.",
        [{"organ_masks": ["liver_segment_5", "liver_segment_6"], "multiplicity": "multiple"}],
    ),
    ("Tumor in segment IVa van 3 cm.", [{"organ": "liver", "parts": ["segment 4A"], "kind": "tumour"}]),
    ("Massa in de rechter leverkwab.", [{"parts": ["right lobe"], "laterality": None}]),
    (
        "Exofytische cyste aan de onderpool van de linker nier.",
        [{"organ": "kidney", "laterality": "left", "parts": ["exophytic", "lower pole"]}],
    ),
    ("Massa in de staart van de alvleesklier van 2 cm.", [{"organ": "pancreas", "parts": ["tail"]}]),
    ("Hypodense laesie in de processus uncinatus, 11 mm.", [{"organ": "pancreas", "parts": ["uncinate process"]}]),
    # Sizes: comma, "bij", "x", words for millimetres and across.
    ("Massa in de linker bijnier van 4,2 bij 3,5 cm.", [{"laterality": "left", "diameters_mm": [42, 35]}]),
    ("Cyste in de milt met een doorsnede van 38 mm.", [{"diameters_mm": [38]}]),
    ("Cyste in de milt, diameter 3,8 centimeter.", [{"diameters_mm": [38]}]),
    ("Een 7 millimeter grote nodus in de linker onderkwab.", [{"diameters_mm": [7], "parts": ["lower lobe"]}]),
    ("Laesie in de lever tot 2 cm.", [{"size_kind": "upper_bound", "size_max_mm": 20}]),
    ("Laesie in de lever van 2 tot 3 cm.", [{"size_kind": "range", "size_min_mm": 20, "size_max_mm": 30}]),
    ("Levercyste kleiner dan 5 mm.", [{"size_kind": "upper_bound", "size_max_mm": 5}]),
    ("Tumor in de rechter nier van 5,1 x 4,8 x 6 cm.", [{"diameters_mm": [51, 48, 60], "laterality": "right"}]),
    # What is measured is something else.
    ("De milt meet 14 cm.", []),
    ("Aneurysma van de abdominale aorta van 4,1 cm.", []),
    ("Niersteen links van 5 mm.", []),
    ("Coupedikte 5 mm. Geen afwijkingen.", []),
    # Negation, before and behind.
    ("Geen aanwijzingen voor levermetastasen.", [{"presence": "absent", "kind": "metastasis", "organ": "liver"}]),
    ("Geen focale leverlaesies.", []),
    ("Bijnieren zonder nodulaire afwijkingen.", []),
    ("De eerder beschreven longnodus is niet meer zichtbaar.", [{"organ": "lung", "presence": "absent"}]),
    ("Longmetastasen worden niet gezien.", [{"organ": "lung", "kind": "metastasis", "presence": "absent"}]),
    # What only looks like a negation.
    ("Geen verandering van de massa in de pancreasstaart van 2 cm.", [{"presence": "present", "diameters_mm": [20]}]),
    ("Ongewijzigde levercyste van 14 mm.", [{"presence": "present", "change": "stable", "diameters_mm": [14]}]),
    ("De laesie in de milt is niet veranderd.", [{"presence": "present", "organ": "spleen", "change": "stable"}]),
    (
        "Een metastase in segment 2 kan niet worden uitgesloten.",
        [{"presence": "possible", "kind": "metastasis", "parts": ["segment 2"]}],
    ),
    ("Geen afwijkingen behoudens een cyste van 2 cm in de linker nier.", [{"presence": "present", "kind": "cyst"}]),
    # Kind, and how sure.
    (
        "Hypodense laesie in segment 6, verdacht voor een metastase.",
        [{"kind": "metastasis", "type_certainty": "high", "presence": "present", "attenuation": "hypo"}],
    ),
    ("Leverlaesie van 8 mm, mogelijk een cyste.", [{"kind": "cyst", "type_certainty": "low", "presence": "present"}]),
    (
        "Nodus in de linker bijnier van 16 mm, passend bij een adenoom.",
        [{"kind": "benign", "type_certainty": "certain", "laterality": "left"}],
    ),
    ("Leverlaesie, waarschijnlijk hemangioom.", [{"kind": "benign", "type_certainty": "high"}]),
    ("Aspecifieke longnodus rechts van 4 mm.", [{"kind": "indeterminate", "laterality": "right", "count": 1}]),
    ("Laesie in de nier links, dd cyste of tumor.", [{"kind": "tumour", "type_certainty": "low", "organ": "kidney"}]),
    ("Waarschijnlijk metastase in leversegment 4 (21 mm).", [{"kind": "metastasis", "presence": "probable"}]),
    # Attenuation.
    ("Hypervasculaire laesie in de lever van 2 cm.", [{"attenuation": "hyper"}]),
    ("Inhomogene massa in de rechter nier van 7 cm.", [{"attenuation": "mixed", "kind": "tumour"}]),
    ("Sclerotische laesie in de vijfde rib links.", [{"organ": "bone", "attenuation": "hyper", "laterality": "left"}]),
    ("Matglasnodus in de linker bovenkwab van 9 mm.", [{"attenuation": "ground_glass", "organ": "lung"}]),
    # Then and now.
    (
        "Laesie in segment 3 van 14 mm, voorheen 10 mm.",
        [{"diameters_mm": [14], "prior_mm": [10]}],
    ),
    (
        "Levermetastase toegenomen van 12 naar 15 mm.",
        [{"diameters_mm": [15], "prior_mm": [12], "change": "larger"}],
    ),
    ("Longnodus was 8 mm, nu 11 mm.", [{"diameters_mm": [11], "prior_mm": [8]}]),
    ("Nieuwe longnodus links van 5 mm t.o.v. vorig onderzoek.", [{"change": "new", "diameters_mm": [5]}]),
    ("De massa in de pancreaskop is afgenomen, 24 mm (was 32 mm).", [{"change": "smaller", "prior_mm": [32]}]),
    # Surgery.
    ("Status na nefrectomie links wegens een tumor van 6 cm.", [{"temporality": "resected", "organ": "kidney"}]),
    # Number and groups.
    (
        "Enkele cysten in beide nieren, de grootste 3 cm links.",
        [{"laterality": "bilateral", "multiplicity": "multiple", "diameters_mm": [30]}],
    ),
    ("Twee hypodense laesies in de lever.", [{"count": 2, "multiplicity": "multiple"}]),
    (
        "Multipele levermetastasen, waarvan de grootste 4,2 cm in segment 8.",
        [{"multiplicity": "multiple", "diameters_mm": [42], "organ_masks": ["liver"]}],
    ),
    (
        "Cysten in de lever en de linker nier.",
        [{"organ": "liver", "kind": "cyst"}, {"organ": "kidney", "laterality": "left", "kind": "cyst"}],
    ),
    (
        "De lever toont drie laesies: in segment 2 van 14 mm, in segment 5 van 21 mm en in segment 8 van 9 mm.",
        [{"parts": ["segment 2"]}, {"parts": ["segment 5"], "diameters_mm": [21]}, {"parts": ["segment 8"]}],
    ),
    ("Beide nieren normaal op een cyste links na.", [{"laterality": "left", "count": 1, "kind": "cyst"}]),
    ("Beide nieren normaal op een parapelviene cyste links na.", [{"laterality": "left", "parts": ["peripelvic"]}]),
    ("Slokdarm g.b. Tumor in het rectum van 5 cm op 7 cm van de anus.", [{"organ": "colon", "diameters_mm": [50]}]),
    # Nodes.
    (
        "Vergrote lymfeklieren para-aortaal tot 14 mm.",
        [{"organ": "lymph_node", "kind": "node", "diameters_mm": [14], "multiplicity": "multiple"}],
    ),
    (
        "Pathologisch vergrote klier rechts axillair van 2 cm.",
        [{"organ": "lymph_node", "laterality": "right", "diameters_mm": [20], "count": 1}],
    ),
    (
        "Lever normaal. Lymfekliermetastasen mediastinaal en in de linker oksel.",
        [{"organ": "lymph_node", "kind": "node", "is_metastasis": True}],
    ),
    ("Lymfeklieren in de lies niet pathologisch vergroot.", []),
    ("Een laesie in segment 5 past het best bij een hemangioom (31 mm).", [{"kind": "benign", "diameters_mm": [31]}]),
    ("Lever normaal. Kleine sclerotische haardjes in Th8 en Th10.", [{"organ": "bone", "parts": ["th8", "th10"]}]),
    # Sections: history and question make no findings; the conclusion repeats.
    (
        "Klinische gegevens: pancreascarcinoom van 3 cm.\nVraagstelling: levermetastasen?\n"
        "Verslag: Hypodense laesie in segment 5 van 32 mm.\nConclusie: Verdenking metastase in segment 5 (32 mm).",
        [{"organ": "liver", "kind": "metastasis", "type_certainty": "high", "diameters_mm": [32]}],
    ),
    (
        "Bevindingen:\nLever: laesie van 2 cm.\nNieren: geen afwijkingen.\n\nAanvulling: De laesie meet 2 cm.",
        [{"organ": "liver", "diameters_mm": [20]}],
    ),
    # Word order: the verb at the end, the side behind the organ, the size before the noun.
    (
        "In de linker long, waar een 12 mm grote gespiculeerde massa wordt gezien, is er volumeverlies.",
        [{"organ": "lung", "laterality": "left", "kind": "tumour", "diameters_mm": [12]}],
    ),
    ("In de nier rechts bevindt zich een cyste van 5 cm.", [{"organ": "kidney", "laterality": "right"}]),
    (
        "Links in de bijnier een nodus van 1 cm, rechts in de bijnier een nodus van 2 cm.",
        [{"laterality": "left", "diameters_mm": [10]}, {"laterality": "right", "diameters_mm": [20]}],
    ),
    ("HYPODENSE LAESIE IN LEVERSEGMENT 5 VAN 1,9 CM.", [{"parts": ["segment 5"], "diameters_mm": [19]}]),
]


@pytest.mark.parametrize(("text", "expected"), FINDINGS, ids=[text[:60] for text, _ in FINDINGS])
def test_findings(text: str, expected: list[dict[str, Any]]) -> None:
    reading = read_report(text)
    assert (reading.status, reading.language) == ("read", "nl")
    assert len(reading.findings) == len(expected), [_short(finding) for finding in reading.findings]
    for finding, fields in zip(reading.findings, expected, strict=True):
        assert {name: getattr(finding, name) for name in fields} == fields, _short(finding)


def _short(finding: Finding) -> dict[str, Any]:
    return finding.model_dump(exclude_defaults=True, exclude={"evidence", "field_evidence", "field_confidence"})


#: Text, the organs it calls normal or free of lesions (with side), the organs it calls removed.
ORGANS: list[tuple[str, set[tuple[str, str | None]], set[str]]] = [
    ("Normaal aspect van lever, milt en pancreas.", {("liver", None), ("spleen", None), ("pancreas", None)}, set()),
    ("De nieren zijn zonder afwijkingen.", {("kidney", None)}, set()),
    ("Lever: g.b.", {("liver", None)}, set()),
    ("Lever geen bijzonderheden.", {("liver", None)}, set()),
    ("Geen focale afwijkingen in de lever.", {("liver", None)}, set()),
    ("Geen pathologisch vergrote lymfeklieren.", {("lymph_node", None)}, set()),
    ("Bijnieren slank.", {("adrenal", None)}, set()),
    ("Status na cholecystectomie.", set(), {"gallbladder"}),
    ("St. na splenectomie.", set(), {"spleen"}),
    ("De galblaas is operatief verwijderd.", set(), {"gallbladder"}),
    ("Status na nefrectomie rechts. Linker nier normaal.", {("kidney", "left")}, {"kidney"}),
    # What clears nothing.
    ("Geen nieuwe leverlaesies.", set(), set()),
    ("Geen levermetastasen.", set(), set()),
    ("Geen nierstenen.", set(), set()),
    ("Geen vergrote klieren mediastinaal. Klier van 2 cm in het mediastinum.", set(), set()),
    ("Normale grootte van de lever met meerdere cysten.", set(), set()),
    ("De lever is niet normaal.", set(), set()),
    ("De lever is normaal. Laesie van 3 cm in segment 6.", set(), set()),
    ("Beide bijnieren normaal. Conclusie: massa in de linker bijnier van 2 cm.", {("adrenal", "right")}, set()),
    ("Status na partiele nefrectomie links.", set(), set()),
]


@pytest.mark.parametrize(("text", "clear", "gone"), ORGANS, ids=[text[:60] for text, _, _ in ORGANS])
def test_organ_statements(text: str, clear: set[tuple[str, str | None]], gone: set[str]) -> None:
    organs = read_report(text).organs
    assert {(o.organ, o.laterality) for o in organs if o.status in CLEAR} == clear
    assert {o.organ for o in organs if o.status == "absent"} == gone


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Levercyste.", "nl"),
        ("Lever normaal.", "nl"),
        ("Geen afwijkingen.", "nl"),
        ("Liver cyst.", "en"),
        ("Liver: normal.", "en"),
        ("No abnormality.", "en"),
        ("Pancreas: tumor van 3 cm.", "nl"),
        ("Pancreas: tumor of 3 cm.", "en"),
        ("Bilaterale noduli tot 4 mm.", "nl"),
    ],
)
def test_short_reports_are_told_apart(text: str, language: str) -> None:
    assert read_report(text).language == language


@pytest.mark.parametrize(
    "text",
    [
        "Die Leber ist normal gross ohne fokale Laesion. Keine vergroesserten Lymphknoten.",
        "Leveren er normal uden fokale forandringer. Der ses en cyste i venstre nyre.",
        "Foie de taille normale sans lesion focale. Kyste du rein gauche de 3 cm.",
        "Normale lever. Geen laesies in de milt of de nieren.\n"
        "There is a 3 cm mass in the tail of the pancreas with no calcification.",
    ],
    ids=["German", "Danish", "French", "half Dutch, half English"],
)
def test_what_is_in_another_or_in_two_languages_is_not_read(text: str) -> None:
    assert read_report(text).status == "not_read"


def test_one_foreign_line_does_not_hide_a_report() -> None:
    text = (
        "Findings compared to prior study.\nVerslag: In de lever een hypodense laesie van 12 mm in segment 5. De nieren"
        " en de bijnieren zijn zonder afwijkingen. Geen vergrote lymfeklieren. Normaal aspect van de milt."
    )
    reading = read_report(text)
    assert (reading.language, [finding.diameters_mm for finding in reading.findings]) == ("nl", [[12]])


def test_evidence_of_a_compound_is_the_word_as_pasted() -> None:
    text = "Bekende niercysten. Longnodus\u00a0van 12\u00a0mm, lymfekliermetastasen."
    for finding in read_report(text).findings:
        for evidence in finding.evidence:
            assert text[evidence.start : evidence.end] == evidence.text
            assert not text[: evidence.start][-1:].isalpha()
            assert not text[evidence.end :][:1].isalpha()


_WORDS = (
    "de het een geen niet zonder lever linkernier longnodus levermetastasen lymfeklieren bijnier laesie cyste segment "
    "VII 4/5 12 mm 2,3 cm x bij - ( ) ? . , ; : mogelijk waarschijnlijk voorheen was naar normaal g.b. links rechts "
    "beiderzijds ï Conclusie: Lever: behoudens en of van met in kan uitgesloten worden"
)
_PIECES = st.sampled_from([*_WORDS.split(), "\u0301", "\x0b", "\n"])


@settings(max_examples=100, deadline=None)
@given(st.lists(_PIECES, min_size=1, max_size=60).map(" ".join))
def test_any_dutch_text_keeps_its_words_and_clears_no_organ_with_a_lesion(text: str) -> None:
    reading = read_report(text)
    spans = [e for f in reading.findings for e in [*f.evidence, *(e for of in f.field_evidence.values() for e in of)]]
    for evidence in [*spans, *(e for organ in reading.organs for e in organ.evidence)]:
        assert text[evidence.start : evidence.end] == evidence.text
    for organ in (o for o in reading.organs if o.status in (*CLEAR, "absent") and o.organ != "lymph_node"):
        sides = {lesion.laterality for lesion in reading.lesions if lesion.organ == organ.organ}
        assert not sides or (organ.laterality in ("left", "right") and sides <= {"left", "right"} - {organ.laterality})


@pytest.mark.data
def test_real_dutch_reports_are_read_as_their_english_translations_are_annotated(data_dir: Path) -> None:
    lines = (data_dir / "reports" / "reports.jsonl").read_text("utf-8").splitlines()
    texts = {row["id"]: row["text"] for row in map(json.loads, lines)}
    golds = map(json.loads, (data_dir / "reports" / "gold_lesions.jsonl").read_text("utf-8").splitlines())
    pairs = [(texts[gold["report_id"].replace("-en-", "-nl-")], gold) for gold in golds if "-en-" in gold["report_id"]]
    assert len(pairs) == 3
    for text, gold in pairs:
        reading = read_report(text)
        annotated = [row for row in gold["lesions"] if row["certainty"] != "negated"]
        found = [lesion.model_dump() for lesion in reading.lesions]
        assert sorted(map(_comparable, found)) == sorted(map(_comparable, annotated)), gold["report_id"]
        clear = {(o.organ, o.status) for o in reading.organs if o.status in CLEAR}
        assert clear == {(row["organ"], row["status"]) for row in gold["organs_stated"]}


def _comparable(lesion: dict[str, Any]) -> str:
    side = None if lesion["organ"] in UNSIDED else lesion["laterality"]
    sizes = [float(size) for size in lesion["diameters_mm"]]
    values = [lesion[name] for name in ("organ", "kind", "attenuation", "multiplicity", "count")]
    return repr((*values, side, sizes))
