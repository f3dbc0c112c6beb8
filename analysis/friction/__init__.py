"""Friction of each particle from equilibrium runs and drag runs."""
