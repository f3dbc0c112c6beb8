"""Engines that run an experiment: LAMMPS on its MPI ranks, or the exact model."""
