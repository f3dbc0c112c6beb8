"""Where the atoms are: density profiles, the particle's inside, its adsorbed shell."""
