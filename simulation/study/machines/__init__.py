"""Studies of exactly solved machines: fields, one file per family, and the conversion of a study file to a sweep."""
