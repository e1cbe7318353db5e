"""The classes of ctk, qMRML and qSlicer that the host provides, one file a subject; importing registers them."""

from . import ctk_numbers, ctk_widgets, node_selector, segmentations, subject_hierarchy, tables

__all__ = ["ctk_numbers", "ctk_widgets", "node_selector", "segmentations", "subject_hierarchy", "tables"]
