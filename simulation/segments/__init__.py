"""Long runs in segments: each is run in a fresh LAMMPS, committed completely or not at all, and never repeated."""
