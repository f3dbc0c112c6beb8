"""Numbers with honest errors from time series that remember."""
