"""Measurements at one point of a sweep: heat, work, power, performance."""
