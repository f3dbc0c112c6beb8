"""The controller: what it sees and answers, how its code is identified and tried, and its place in a running LAMMPS."""
