"""De-identification before export: readings without text, and texts without identifiers.

`without_text(reading, salt)` is the default. `scrub(text, shift)` is for who needs the text, and helps only: a person
looks through its changes, and `apply_changes` makes those that are wanted.
"""

from RSuperLib.report.deidentify.changes import Change, apply_changes
from RSuperLib.report.deidentify.export import ExportedReading, without_text
from RSuperLib.report.deidentify.many import ScrubbedFile, scrub_file
from RSuperLib.report.deidentify.preview import NOTICE, change_lines, marked_text, summary
from RSuperLib.report.deidentify.salt import SALT_FILE, Salt, project_salt
from RSuperLib.report.deidentify.scrub import Scrubbed, scrub
from RSuperLib.report.deidentify.tagger import TokenTagger

__all__ = [
    "NOTICE",
    "SALT_FILE",
    "Change",
    "ExportedReading",
    "Salt",
    "Scrubbed",
    "ScrubbedFile",
    "TokenTagger",
    "apply_changes",
    "change_lines",
    "marked_text",
    "project_salt",
    "scrub",
    "scrub_file",
    "summary",
    "without_text",
]
