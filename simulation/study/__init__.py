"""Studies: their fields (`fields`), the rules for valid combinations (`rules`), and study files (`files`)."""
