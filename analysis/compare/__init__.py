"""Measurement beside theory: forecasts, the table of a study, its variants."""
