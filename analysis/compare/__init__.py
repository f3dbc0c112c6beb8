"""Comparison of measurement and theory: predictions, the table of a study, its variants."""
