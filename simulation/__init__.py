"""From a study file to run folders: typed settings, LAMMPS decks, the demon, and the engine that advances a run."""
