"""The columns of the published tables, in their order and spelling, and ours after them."""

from __future__ import annotations

from typing import Final, get_origin

from RSuperLib.report.schema import Finding, Organ

ACCESSION: Final = "Encrypted Accession Number"
CT_ID: Final = "BDMAP ID"
TUMOUR_ID: Final = "Tumor ID"
SIZE: Final = "Tumor Size (mm)"
LOCATION: Final = "Standardized Location"
ORGAN: Final = "Standardized Organ"
ATTENUATION: Final = "Standardized Attenuation"
UNKNOWN_SIZE: Final = "Unknow Tumor Size"
NO_LESION: Final = "no lesion"
REPORT: Final = "Report"

#: As extraction and standardisation write them, one row per tumour. "Unknow" is their spelling.
TUMOUR_COLUMNS: Final = (
    ACCESSION, TUMOUR_ID, "Organ", "Tumor Type", "Tumor Location", SIZE, "Tumor Attenuation", "Type Certainty",
    "DNN Answer", REPORT, CT_ID, ORGAN, LOCATION, ATTENUATION, UNKNOWN_SIZE, NO_LESION, "malignancy", "metastasis",
    "Series", "Image",
)  # fmt: skip

_PREFIX: Final = "rsuper "
FINDING: Final = f"{_PREFIX}finding"
SPANS: Final = f"{_PREFIX}evidence"
STATEMENTS: Final = f"{_PREFIX}organs"
CHECKSUM: Final = f"{_PREFIX}text_sha256"
SCHEMA: Final = f"{_PREFIX}schema"
#: Fields of a finding that have a column of our own. Evidence quotes the report; only its offsets are there (`SPANS`).
#: A lesion of a table is always a current one.
FIELDS: Final = tuple(
    name for name in Finding.model_fields if name not in ("evidence", "field_evidence", "temporality")
)
LIST_FIELDS: Final = frozenset(name for name in FIELDS if get_origin(Finding.model_fields[name].annotation) is list)
DICT_FIELDS: Final = frozenset(name for name in FIELDS if get_origin(Finding.model_fields[name].annotation) is dict)
EXTRA_TUMOUR_COLUMNS: Final = (
    SCHEMA, FINDING, *(f"{_PREFIX}{name}" for name in FIELDS), SPANS, STATEMENTS, CHECKSUM
)  # fmt: skip

#: Organs of the per-CT table, in its order: ours, and the word in its column names.
CT_ORGANS: Final[dict[Organ, str]] = {
    "liver": "liver", "pancreas": "pancreatic", "kidney": "kidney", "colon": "colon", "esophagus": "esophagus",
    "uterus": "uterus", "spleen": "spleen", "pelvis": "pelvis", "adrenal": "adrenal gland", "bladder": "bladder",
    "gallbladder": "gallbladder", "breast": "breast", "stomach": "stomach", "lung": "lung", "bone": "bone",
    "prostate": "prostate", "duodenum": "duodenum",
}  # fmt: skip
_PLACES: Final[dict[Organ, str]] = {"liver": "1-8", "pancreas": "head, body, tail", "kidney": "left, right"}


def own_column(field: str) -> str:
    """Our column for a field of a finding."""
    return f"{_PREFIX}{field}"


def instances_column(organ: Organ) -> str:
    """Column that counts an organ's lesions."""
    return f"number of {CT_ORGANS[organ]} lesion instances"


def diameter_column(organ: Organ) -> str:
    """Column of an organ's largest diameter, in cm."""
    return f"largest {CT_ORGANS[organ]} lesion diameter (cm)"


def place_column(organ: Organ) -> str | None:
    """Column of the place of an organ's largest lesion; three organs have one."""
    places = _PLACES.get(organ)
    return f"largest {CT_ORGANS[organ]} lesion location ({places})" if places else None


def status_column(organ: Organ) -> str:
    """Our column of what the report says of an organ as a whole."""
    return f"{_PREFIX}{CT_ORGANS[organ]} status"


def _columns_of(organ: Organ) -> tuple[str, ...]:
    place = place_column(organ)
    return (instances_column(organ), diameter_column(organ), *([place] if place else []))


CT_COLUMNS: Final = (ACCESSION, CT_ID, *(name for organ in CT_ORGANS for name in _columns_of(organ)), NO_LESION)
EXTRA_CT_COLUMNS: Final = ("malignancy", "metastasis", *(status_column(organ) for organ in CT_ORGANS), CHECKSUM)
