"""The published tables of R-Super: one row per tumour, one row per CT; written and read (Docs/tables.md)."""

from RSuperLib.report.tables.cts import CtOrgan, CtRow, ct_row, read_ct_table, write_ct_table
from RSuperLib.report.tables.ids import CtIds
from RSuperLib.report.tables.records import Span, TableCase, TableLesion
from RSuperLib.report.tables.tumour_reading import read_tumour_table
from RSuperLib.report.tables.tumours import Written, write_tumour_table

__all__ = [
    "CtIds",
    "CtOrgan",
    "CtRow",
    "Span",
    "TableCase",
    "TableLesion",
    "Written",
    "ct_row",
    "read_ct_table",
    "read_tumour_table",
    "write_ct_table",
    "write_tumour_table",
]
