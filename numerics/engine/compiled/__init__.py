"""Loops compiled by numba; imported by numerics.engine alone."""
