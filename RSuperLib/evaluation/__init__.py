"""How good lesions and readings are, measured against the truth."""

from RSuperLib.evaluation.annotations import Annotation, load_annotations, load_reports
from RSuperLib.evaluation.intervals import Ratio, ratio
from RSuperLib.evaluation.lesions import LesionPair, connected_lesions, dice, match_lesions
from RSuperLib.evaluation.readings import ReadingScores, score_readings

__all__ = [
    "Annotation",
    "LesionPair",
    "Ratio",
    "ReadingScores",
    "connected_lesions",
    "dice",
    "load_annotations",
    "load_reports",
    "match_lesions",
    "ratio",
    "score_readings",
]
