"""Benchmarks of nanofridge by paired measurements; see benchmarks/README.md."""
