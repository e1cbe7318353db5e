"""The anatomical parts that phantoms have, and their labels."""

from __future__ import annotations

#: Part to label. The numbers are those of the public organ segmenter that the method uses for report CTs.
PART_LABELS = {
    "aorta": 1,
    "gall_bladder": 2,
    "kidney_left": 3,
    "kidney_right": 4,
    "postcava": 5,
    "spleen": 6,
    "stomach": 7,
    "adrenal_gland_left": 8,
    "adrenal_gland_right": 9,
    "celiac_trunk": 11,
    "colon": 12,
    "duodenum": 13,
    "esophagus": 14,
    "intestine": 18,
    "lung_left": 19,
    "lung_right": 20,
    "portal_vein_and_splenic_vein": 21,
    "liver_segment_1": 24,
    "liver_segment_2": 25,
    "liver_segment_3": 26,
    "liver_segment_4": 27,
    "liver_segment_5": 28,
    "liver_segment_6": 29,
    "liver_segment_7": 30,
    "liver_segment_8": 31,
    "pancreas_head": 32,
    "pancreas_body": 33,
    "pancreas_tail": 34,
    "superior_mesenteric_artery": 35,
}
PART_NAMES = {label: name for name, label in PART_LABELS.items()}

#: Organ (as findings name it) to its parts.
ORGAN_PARTS = {
    "liver": tuple(f"liver_segment_{number}" for number in range(1, 9)),
    "pancreas": ("pancreas_head", "pancreas_body", "pancreas_tail"),
    "kidney": ("kidney_left", "kidney_right"),
    "adrenal": ("adrenal_gland_left", "adrenal_gland_right"),
    "lung": ("lung_left", "lung_right"),
    "spleen": ("spleen",),
    "gallbladder": ("gall_bladder",),
    "stomach": ("stomach",),
    "colon": ("colon",),
}
#: Organs with a left and a right one: their findings carry a side.
PAIRED_ORGANS = ("kidney", "adrenal", "lung")


def organ_labels(organ: str) -> list[int]:
    """Labels of all parts of an organ."""
    return [PART_LABELS[name] for name in ORGAN_PARTS[organ]]


def side_of(part: str) -> str | None:
    """`left` or `right` where the part's name has it."""
    return next((side for side in ("left", "right") if part.endswith(f"_{side}")), None)
