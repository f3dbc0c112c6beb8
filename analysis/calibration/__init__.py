"""Whether the error bars are true, on exact data."""
