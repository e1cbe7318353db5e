"""The published tables of R-Super: one row per tumour, one row per CT; written and read (Docs/tables.md)."""

from RSuperLib.report.tables.cts import CtOrgan, CtRow, ct_row, is_ct_table, read_ct_table, write_ct_table
from RSuperLib.report.tables.export import holds_readings, readings_of, write_tables
from RSuperLib.report.tables.ids import CtIds
from RSuperLib.report.tables.left_out import Written
from RSuperLib.report.tables.records import Span, TableCase, TableLesion
from RSuperLib.report.tables.tumour_reading import is_tumour_table, read_tumour_table
from RSuperLib.report.tables.tumours import write_tumour_table

__all__ = [
    "CtIds",
    "CtOrgan",
    "CtRow",
    "Span",
    "TableCase",
    "TableLesion",
    "Written",
    "ct_row",
    "holds_readings",
    "is_ct_table",
    "is_tumour_table",
    "read_ct_table",
    "read_tumour_table",
    "readings_of",
    "write_ct_table",
    "write_tables",
    "write_tumour_table",
]
