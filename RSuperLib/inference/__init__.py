"""Lesions out of CTs: for now by the weights-free finder, from a report and part masks."""

from RSuperLib.inference.agreement import BY_CONSTRUCTION, agree_with_finder
from RSuperLib.inference.finder import FinderResult, find_lesions

__all__ = ["BY_CONSTRUCTION", "FinderResult", "agree_with_finder", "find_lesions"]
