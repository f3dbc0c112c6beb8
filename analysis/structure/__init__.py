"""Structure: density profiles, temperature inside the particles, adsorbed shell."""
