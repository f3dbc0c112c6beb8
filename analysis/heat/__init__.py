"""What one point of a sweep measured: heat, work, power, performance."""
