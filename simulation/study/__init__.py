"""Studies: what a user may choose (`fields`), which combinations can run (`rules`), and the files that say it (`files`)."""
