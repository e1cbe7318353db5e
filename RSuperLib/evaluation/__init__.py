"""How good lesions are, measured against the truth."""

from RSuperLib.evaluation.lesions import LesionPair, connected_lesions, dice, match_lesions

__all__ = ["LesionPair", "connected_lesions", "dice", "match_lesions"]
