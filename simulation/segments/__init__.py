"""A long run advances in segments: each is run in a fresh LAMMPS, committed whole or not at all, and never run twice."""
