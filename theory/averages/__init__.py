"""Averages at finite N and D: over data sets, over a sample, over points."""
