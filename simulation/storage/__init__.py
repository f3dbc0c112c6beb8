"""Atomic writing of files, and locks that end with their owner."""
