"""Data larger than memory, or than a machine: sources, checkpoints, clusters."""
