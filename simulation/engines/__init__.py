"""What makes an experiment run: LAMMPS on its MPI ranks, or the exact model."""
