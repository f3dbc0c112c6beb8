"""Estimates with standard errors from correlated time series."""
