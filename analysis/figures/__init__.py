"""Figures: each function takes data and draws, each file is written as SVG and PNG with its numbers as CSV beside it."""
