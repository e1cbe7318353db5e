"""Lesions out of CTs: for now by the weights-free finder, from a report and part masks."""

from RSuperLib.inference.finder import FinderResult, find_lesions

__all__ = ["FinderResult", "find_lesions"]
