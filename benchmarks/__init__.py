"""Benchmarks: the engine against its peers, side by side. Not installed, and never part of the tests."""
