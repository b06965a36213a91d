"""Measures clips whose true angles are known, and says how far off every one is: `rotrack validate`."""

from rotrack.validation.compare import COLUMNS
from rotrack.validation.run import validate_folder
from rotrack.validation.summary import describe, markdown, read_before, report, side_by_side, write_table

__all__ = ["COLUMNS", "describe", "markdown", "read_before", "report", "side_by_side", "validate_folder", "write_table"]
