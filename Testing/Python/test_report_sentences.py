"""Sentences as radiologists write them, each with its right reading. Every one stands for a rule, not for a report."""

from __future__ import annotations

from typing import Any

import pytest

from RSuperLib.report import Finding, read_report

CLEAR = ("normal", "no_lesion")

#: Text, then for each finding the fields that matter there.
FINDINGS: list[tuple[str, list[dict[str, Any]]]] = [
    # Segments: what the published pipeline turns into 5, 1, 4 or nothing.
    ("Hypodense lesion in segment VII, 2.1 cm.", [{"parts": ["segment 7"], "organ_masks": ["liver_segment_7"]}]),
    ("A 1 cm lesion in hepatic segment VIII.", [{"parts": ["segment 8"]}]),
    ("A 1 cm lesion in segment vi of the liver.", [{"parts": ["segment 6"]}]),
    ("A 1 cm liver lesion in segment iv.", [{"parts": ["segment 4"], "organ_masks": ["liver_segment_4"]}]),
    ("A 1 cm liver lesion in segment IVb.", [{"parts": ["segment 4B"], "organ_masks": ["liver_segment_4"]}]),
    ("A 1 cm liver lesion in segment 10.", [{"parts": [], "organ_masks": ["liver"], "flags": ["segment_unknown"]}]),
    ("Liver lesion in segment 4/5, 18 mm.", [{"organ_masks": ["liver_segment_4", "liver_segment_5"]}]),
    ("Liver lesion in segment 2/3, 18 mm.", [{"organ_masks": ["liver_segment_2", "liver_segment_3"]}]),
    ("A liver mass in segments 5 and 6 of 7 cm.", [{"organ_masks": ["liver_segment_5", "liver_segment_6"]}]),
    ("A liver mass occupying segments V to VIII.", [{"organ_masks": [f"liver_segment_{k}" for k in (5, 6, 7, 8)]}]),
    ("Mass in the right lobe of the liver.", [{"organ_masks": [f"liver_segment_{k}" for k in (5, 6, 7, 8)]}]),
    (
        "Mass in the left hepatic lobe.",
        [{"organ_masks": [f"liver_segment_{k}" for k in (2, 3, 4)], "laterality": None}],
    ),
    (
        "A 2-3 cm lesion in the caudate lobe.",
        [{"organ": "liver", "organ_masks": ["liver_segment_1"], "size_kind": "range"}],
    ),
    (
        "Hypodense lesions in segments 5 and 6 measuring 1.5 and 2.2 cm.",
        [{"parts": ["segment 5"], "diameters_mm": [15]}, {"parts": ["segment 6"], "diameters_mm": [22]}],
    ),
    (
        "2 new liver metastases in segments 6 and 7, measuring 12 mm and 18 mm respectively.",
        [{"diameters_mm": [12], "kind": "metastasis", "change": "new"}, {"diameters_mm": [18], "parts": ["segment 7"]}],
    ),
    # "From" speaks of an earlier size only after what changes.
    (
        "The liver is unremarkable apart from a 12 mm hypodensity in segment 6.",
        [{"parts": ["segment 6"], "diameters_mm": [12], "prior_mm": []}],
    ),
    ("Aside from a 9 mm cyst in the left kidney, the kidneys are normal.", [{"diameters_mm": [9], "prior_mm": []}]),
    ("A mass arising from the pancreatic tail measuring 35 mm.", [{"diameters_mm": [35], "prior_mm": []}]),
    ("A liver lesion is now 14 mm, from 9 mm.", [{"diameters_mm": [14], "prior_mm": [9]}]),
    ("A liver lesion of 14 mm increased from 9 mm.", [{"diameters_mm": [14], "prior_mm": [9]}]),
    # A comparison with an earlier examination does not make the size before it an earlier one.
    ("New 5 mm nodule in the left lung compared to prior exam.", [{"diameters_mm": [5], "prior_mm": []}]),
    ("Lung nodule of 12 mm, compared with 9 mm on prior.", [{"diameters_mm": [12], "prior_mm": [9]}]),
    ("Lung nodule of 12 mm versus 9 mm.", [{"diameters_mm": [12], "prior_mm": [9]}]),
    # Parts of other organs.
    ("A 19 mm mass in the uncinate process.", [{"organ": "pancreas", "organ_masks": ["pancreas_head"]}]),
    ("A 19 mm mass in the neck of the pancreas.", [{"parts": ["neck"], "organ_masks": ["pancreas_head"]}]),
    ("Mass of the pancreatic body and tail.", [{"organ_masks": ["pancreas_body", "pancreas_tail"]}]),
    (
        "The right kidney contains a 3.5 x 2.8 cm mass in the interpolar region.",
        [{"organ_masks": ["kidney_right"], "parts": ["mid pole"], "diameters_mm": [35, 28]}],
    ),
    (
        "3 cm exophytic cyst arising from the lower pole of the left kidney.",
        [{"organ": "kidney", "laterality": "left"}],
    ),
    ("7 mm nodule in the RUL.", [{"laterality": "right", "organ_masks": ["lung_right_upper_lobe"]}]),
    ("1.5cm ground glass nodule in the left upper lobe.", [{"attenuation": "ground_glass", "organ": "lung"}]),
    ("Sclerotic lesion in the L3 vertebral body, 11 mm.", [{"organ": "bone", "attenuation": "hyper"}]),
    # Sides.
    ("Left and right kidneys each contain cysts.", [{"laterality": "bilateral", "multiplicity": "multiple"}]),
    (
        "Bilateral renal cysts, the largest on the left measuring 5.6 cm.",
        [{"laterality": "bilateral", "diameters_mm": [56]}],
    ),
    ("Kidneys: Left: 1.2 cm cyst.", [{"organ": "kidney", "laterality": "left"}]),
    ("A 2 cm adrenal nodule on the right.", [{"organ": "adrenal", "laterality": "right"}]),
    # Attenuation.
    ("Non-enhancing 1.1 cm lesion in the left kidney.", [{"attenuation": "hypo"}]),
    ("Heterogeneously enhancing 8 cm mass of the right adrenal gland.", [{"attenuation": "mixed", "organ": "adrenal"}]),
    ("Hypoenhancing 2 cm lesion in the pancreatic tail.", [{"attenuation": "hypo"}]),
    ("Hypervascular 2 cm lesion in the liver.", [{"attenuation": "hyper"}]),
    ("Isodense mass in the pancreatic head.", [{"attenuation": "iso"}]),
    ("A 5 cm mass with central calcification in the liver.", [{"attenuation": "calcified"}]),
    ("13 mm adenoma with macroscopic fat in the left adrenal gland.", [{"attenuation": "fat", "kind": "benign"}]),
    # Kind and how sure.
    ("Pancreatic ductal adenocarcinoma in the head, 3 cm.", [{"kind": "tumour", "malignancy": "malignant"}]),
    ("4 cm renal cell carcinoma of the left kidney.", [{"kind": "tumour", "malignancy": "malignant"}]),
    ("9 mm left adrenal nodule.", [{"kind": "indeterminate", "malignancy": "not_stated"}]),
    ("9 mm left adrenal nodule, compatible with an adenoma.", [{"kind": "benign", "type_certainty": "certain"}]),
    ("12 mm lesion in the pancreatic body, likely an IPMN.", [{"kind": "tumour", "type_certainty": "high"}]),
    ("Lesion in the spleen (cyst?), 22 mm.", [{"kind": "cyst", "type_certainty": "low", "presence": "present"}]),
    ("A 2 cm liver lesion, likely metastatic.", [{"kind": "metastasis", "type_certainty": "high"}]),
    ("Lesion in segment 2 of the liver. Metastasis?", [{"kind": "metastasis", "type_certainty": "low"}]),
    ("Hypodense lesion in the spleen. This may represent a cyst.", [{"kind": "cyst", "type_certainty": "low"}]),
    (
        "Too small to characterize hypodensities in both kidneys, likely cysts.",
        [{"kind": "cyst", "attenuation": "hypo"}],
    ),
    # Presence: what must never delete a tumour.
    (
        "There is no change in the 2 cm mass in the tail of the pancreas.",
        [{"presence": "present", "diameters_mm": [20]}],
    ),
    ("No significant interval change in the 2 cm liver mass.", [{"presence": "present", "change": "stable"}]),
    ("The 2 cm liver mass is not significantly changed.", [{"presence": "present"}]),
    ("A metastasis in segment II of the liver cannot be excluded.", [{"presence": "possible", "parts": ["segment 2"]}]),
    ("I cannot exclude a mass in the pancreatic head.", [{"presence": "possible", "organ": "pancreas"}]),
    ("Questionable 5 mm hypodensity in the hepatic dome.", [{"presence": "possible", "diameters_mm": [5]}]),
    ("Mass in the liver without enhancement, 3 cm.", [{"presence": "present"}]),
    ("No abnormality other than a 2 cm cyst in the left kidney.", [{"presence": "present", "kind": "cyst"}]),
    ("The previously seen 1.4 cm lesion in the right hepatic lobe is no longer visualized.", [{"presence": "absent"}]),
    ("There is no evidence for a retroperitoneal hematoma.", [{"presence": "absent", "kind": "other"}]),
    # Time.
    ("Liver lesion of 14 mm in segment 3, previously 10 mm.", [{"diameters_mm": [14], "prior_mm": [10]}]),
    (
        "Liver metastases have increased in size, the largest now 3.4 cm (previously 2.6 cm).",
        [{"diameters_mm": [34], "prior_mm": [26], "change": "larger", "multiplicity": "multiple"}],
    ),
    ("Status post distal pancreatectomy for a 4.5 cm neoplasm.", [{"temporality": "resected", "organ": "pancreas"}]),
    # Number.
    (
        "Multiple hypodense lesions throughout the liver, the largest measuring 4.2 cm in segment IVa.",
        [{"count": None, "diameters_mm": [42], "parts": ["segment 4A"], "organ_masks": ["liver"]}],
    ),
    ("Two hypodense lesions in the liver.", [{"count": 2, "multiplicity": "multiple"}]),
    (
        "A 7 mm and a 5 mm nodule in the left lower lobe.",
        [{"diameters_mm": [7], "count": 1}, {"diameters_mm": [5], "laterality": "left"}],
    ),
    ("Numerous lung nodules. The largest measures 6 mm.", [{"organ": "lung", "diameters_mm": [6]}]),
    (
        "Scattered subcentimeter pulmonary nodules.",
        [{"size_kind": "qualitative", "size_max_mm": 10, "diameters_mm": []}],
    ),
    # A list whose places stand before their sizes.
    (
        "Three liver lesions: segment 2 (14 mm), segment 5 (21 x 18 mm), segment 8 (9 mm).",
        [
            {"parts": ["segment 2"], "diameters_mm": [14]},
            {"parts": ["segment 5"], "diameters_mm": [21, 18]},
            {"parts": ["segment 8"], "diameters_mm": [9]},
        ],
    ),
    (
        "Lung nodules of 12 mm in the right upper lobe, 9 mm in the left upper lobe and 4 mm in the lingula.",
        [{"laterality": "right"}, {"laterality": "left"}, {"parts": ["lingula"]}],
    ),
    ("Both kidneys are normal except for a 2 cm cyst on the left.", [{"laterality": "left", "count": 1}]),
    # Where most of a group is, not all of it is.
    (
        "Multiple pulmonary nodules, primarily in the right lower lobe.",
        [{"laterality": None, "parts": ["lower lobe"], "organ_masks": ["lung_left", "lung_right"]}],
    ),
    ("Cysts in both kidneys, mainly on the left.", [{"laterality": "bilateral", "multiplicity": "multiple"}]),
    # Sizes that belong to something else.
    (
        "2.1 cm mass in the pancreatic head with upstream ductal dilatation to 8 mm.",
        [{"diameters_mm": [21], "flags": []}],
    ),
    ("A lesion measuring 15 in segment 5.", [{"diameters_mm": [], "flags": ["unit_missing"]}]),
    ("7 mm nodule in the left lower lobe (series 4, image 112).", [{"series": 4, "image": 112, "diameters_mm": [7]}]),
    (
        "Mildly enlarged retroperitoneal lymph nodes up to 1.4 cm in short axis.",
        [{"organ": "lymph_node", "kind": "node"}],
    ),
    # One lesion, told twice.
    (
        "FINDINGS: 2 cm mass in the pancreatic tail. IMPRESSION: Pancreatic tail mass, suspicious for adenocarcinoma.",
        [{"kind": "tumour", "type_certainty": "high", "diameters_mm": [20]}],
    ),
    (
        "FINDINGS: 29 mm mass in the liver. IMPRESSION: Liver mass of 3 cm.",
        [{"diameters_mm": [29], "flags": ["size_conflict"]}],
    ),
    ("FINDINGS: 3 cm mass in the left kidney. The mass extends to the renal vein.", [{"laterality": "left"}]),
    (
        "Pancreatic tail mass 3.2 cm with liver metastases.",
        [{"organ": "pancreas"}, {"organ": "liver", "kind": "metastasis"}],
    ),
    # A bracket that is never closed.
    (
        "A 7 mm nodule in the left lung (series 5. Most compatible with a granuloma. Small cyst in the right kidney.",
        [{"organ": "lung", "kind": "benign"}, {"organ": "kidney", "laterality": "right"}],
    ),
    # A lymph node is one, whatever its cause.
    (
        "The liver is normal. Lymph node metastasis in the left axilla of 2 cm.",
        [{"organ": "lymph_node", "kind": "node", "malignancy": "malignant", "is_metastasis": True}],
    ),
    ("Enlarged node in the mediastinum, suspicious for a metastasis.", [{"kind": "node", "is_metastasis": True}]),
    ("The lymph nodes in the groin are not enlarged.", []),
    # Lists.
    (
        "Cysts in the liver and left kidney.",
        [{"organ": "liver", "kind": "cyst"}, {"organ": "kidney", "laterality": "left", "kind": "cyst"}],
    ),
    ("Metastatic disease to the liver, lungs and bones.", [{"organ": "liver"}, {"organ": "lung"}, {"organ": "bone"}]),
    (
        "Hepatic lesions: 1) segment 8, 2.5 cm; 2) segment 6, 1.1 cm.",
        [{"parts": ["segment 8"], "diameters_mm": [25]}, {"parts": ["segment 6"], "diameters_mm": [11]}],
    ),
    (
        "Two right renal masses: upper pole 2.1 cm and lower pole 3.5 cm.",
        [{"parts": ["upper pole"], "diameters_mm": [21]}, {"parts": ["lower pole"], "diameters_mm": [35]}],
    ),
    (
        "Left hepatic lobe cysts measuring up to 2.2 cm and a 9 mm hemangioma in segment 6.",
        [{"kind": "cyst", "diameters_mm": [22]}, {"kind": "benign", "diameters_mm": [9], "parts": ["segment 6"]}],
    ),
    ("The 3 cm left renal cyst seen previously is unchanged.", [{"diameters_mm": [30], "change": "stable"}]),
    ("Decreased size of segment 6 metastasis from 3.2 cm to 2.4 cm.", [{"diameters_mm": [24], "prior_mm": [32]}]),
    ("New ill-defined 1.7 cm hypoenhancing focus in segment V.", [{"diameters_mm": [17], "attenuation": "hypo"}]),
    (
        "LIVER: Multiple metastases. Index lesions: segment 2: 2.1 cm (previously 1.8 cm). Segment 7: 3.4 cm.",
        [
            {"kind": "metastasis"},
            {"diameters_mm": [21], "prior_mm": [18]},
            {"diameters_mm": [34], "parts": ["segment 7"]},
        ],
    ),
    (
        "A 2.1 cm mass is seen in the left adrenal gland. Bones are normal. "
        "Left adrenal mass Hepatic steatosis Pleural effusion Emphysema of both lungs Small hiatal hernia",
        [{"organ": "adrenal", "diameters_mm": [21]}],
    ),
    (
        "FINDINGS: Mass in the pancreatic head. ADDENDUM: The mass is in the pancreatic tail.",
        [{"flags": ["part_conflict"]}],
    ),
    # An addendum corrects: its words count, the first ones stay as evidence, and a flag says so.
    (
        "FINDINGS: 2 cm mass in the left kidney. ADDENDUM: The mass is in the right kidney and measures 2.5 cm.",
        [{"laterality": "right", "diameters_mm": [25], "flags": ["side_conflict", "size_conflict"]}],
    ),
    (
        "FINDINGS: 12 mm nodule in the right lower lobe. ADDENDUM: The nodule measures 21 mm, not 12 mm.",
        [{"organ": "lung", "diameters_mm": [21], "flags": ["size_conflict"]}],
    ),
    (
        "ADDENDUM: The liver lesion measures 16 mm.\n\nFINDINGS: 61 mm lesion in segment 4 of the liver.",
        [{"diameters_mm": [16], "parts": ["segment 4"], "flags": ["size_conflict"]}],
    ),
    (
        "FINDINGS: 2 cm mass in the pancreatic head. ADDENDUM: The mass is in the pancreatic tail.",
        [{"parts": ["tail"], "diameters_mm": [20], "flags": ["part_conflict"]}],
    ),
    (
        "FINDINGS: 14 mm lesion in the liver. ADDENDUM: There is no liver lesion.",
        [{"presence": "present", "flags": ["denied_in_addendum"]}],
    ),
    (
        "FINDINGS: 14 mm cyst in the liver. ADDENDUM: There is also a 9 mm cyst in the left kidney.",
        [{"organ": "liver", "flags": []}, {"organ": "kidney", "flags": []}],
    ),
    # Of a group only the largest is measured.
    ("Five liver cysts, the largest 3 cm.", [{"count": 5, "diameters_mm": [30], "flags": ["largest_of_group"]}]),
    ("Five liver cysts.", [{"count": 5, "flags": []}]),
    # Characters that no keyboard writes.
    ("Nodule of 1\x0b2 mm in the left lung.", [{"diameters_mm": [], "flags": ["size_unreadable"]}]),
    ("Nodule of 1.\x022 cm in the left lung.", [{"diameters_mm": [], "flags": ["size_unreadable"]}]),
    ("Nodule of 12 x 1\x0b0 mm in the left lung.", [{"diameters_mm": [], "flags": ["size_unreadable"]}]),
    ("Nodule of 12\x1f mm in the left lung.", [{"diameters_mm": [12], "flags": []}]),
    ("Nodule of 12 m\x02m in the le\x0eft lung.", [{"diameters_mm": [12], "laterality": "left"}]),
    # No lesion at all.
    ("Nodular formation at the splenic hilum, compatible with an accessory spleen.", []),
    ("Unchanged 5 mm nonobstructing stone in the left kidney.", []),
    ("Wedge-shaped hypodense area in the spleen compatible with infarct.", []),
    ("Infrarenal abdominal aortic aneurysm measuring 4.1 cm.", []),
    ("The spleen measures 14 cm.", []),
    ("Air cysts in both lungs without mass effect.", []),
    ("Consider chest CT for evaluation of pulmonary nodules.", []),
    ("History: 3 cm liver mass. Findings: The liver is normal.", []),
    ("TECHNIQUE: 5 mm slices, lesion protocol. FINDINGS: Normal study.", []),
    ("PANCREAS: 1.9 CM MASS IN THE UNCINATE PROCESS.", [{"diameters_mm": [19]}]),
]


@pytest.mark.parametrize(("text", "expected"), FINDINGS, ids=[text[:60] for text, _ in FINDINGS])
def test_findings(text: str, expected: list[dict[str, Any]]) -> None:
    found = read_report(text).findings
    assert len(found) == len(expected), [_short(finding) for finding in found]
    for finding, fields in zip(found, expected, strict=True):
        assert {name: getattr(finding, name) for name in fields} == fields, _short(finding)


def _short(finding: Finding) -> dict[str, Any]:
    return finding.model_dump(exclude_defaults=True, exclude={"evidence", "field_evidence", "field_confidence"})


#: Text, the organs it calls normal or free of lesions (with side), the organs it calls removed.
ORGANS: list[tuple[str, set[tuple[str, str | None]], set[str]]] = [
    (
        "The liver, spleen, adrenal glands, and pancreas are unremarkable.",
        {("liver", None), ("spleen", None), ("adrenal", None), ("pancreas", None)},
        set(),
    ),
    ("No focal hepatic lesion.", {("liver", None)}, set()),
    ("There are no adrenal masses.", {("adrenal", None)}, set()),
    ("Liver: Unremarkable", {("liver", None)}, set()),
    ("Adrenals normal.", {("adrenal", None)}, set()),
    ("Lymphadenopathy: Absent", {("lymph_node", None)}, set()),
    ("Status post right nephrectomy. The left kidney is unremarkable.", {("kidney", "left")}, {"kidney"}),
    ("The gallbladder is surgically absent.", set(), {"gallbladder"}),
    ("Gallbladder: Surgically removed.", set(), {"gallbladder"}),
    ("Postsurgical changes from hysterectomy.", set(), {"uterus"}),
    ("Partial nephrectomy on the left.", set(), set()),
    ("The upper abdomen is normal except for a 2 cm cyst in the spleen.", {("upper_abdomen", None)}, set()),
    # What does not clear an organ.
    ("The spleen is normal except for a 2 cm cyst.", set(), set()),
    ("No new liver lesion.", set(), set()),
    ("No other focal hepatic lesion.", set(), set()),
    ("No enlarged nodes in the mediastinum. A 2 cm mediastinal node is seen.", set(), set()),
    ("No liver metastasis.", set(), set()),
    ("No kidney stones.", set(), set()),
    ("The liver is at the upper limit of normal in size.", set(), set()),
    ("Liver: The bile ducts are normal.", set(), set()),
    ("The liver is normal in size with a 2 cm cyst.", set(), set()),
    ("The liver is normal. There is a 3 cm mass in segment 6.", set(), set()),
    ("Both adrenal glands are normal. IMPRESSION: 2 cm left adrenal mass.", {("adrenal", "right")}, set()),
    ("The kidneys are not normal.", set(), set()),
    ("The left lung is clear. 5 mm nodule in the right lower lobe.", {("lung", "left")}, set()),
    ("The aorta is normal.", set(), set()),
    ("A hypodense area in the liver is seen. The liver is otherwise normal.", set(), set()),
]


@pytest.mark.parametrize(("text", "clear", "gone"), ORGANS, ids=[text[:60] for text, _, _ in ORGANS])
def test_organ_statements(text: str, clear: set[tuple[str, str | None]], gone: set[str]) -> None:
    organs = read_report(text).organs
    assert {(o.organ, o.laterality) for o in organs if o.status in CLEAR} == clear
    assert {o.organ for o in organs if o.status == "absent"} == gone
