"""Studies of exactly solved machines: their fields, a file for each family, and how a file becomes a sweep of machines."""
