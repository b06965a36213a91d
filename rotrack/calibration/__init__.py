"""Calibration, every level of it optional: sheets to print, lens from a board, floor from a sheet, gain of a person's foot."""
