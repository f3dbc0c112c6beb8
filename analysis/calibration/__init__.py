"""Calibration of the error bars with exact data."""
