"""The commands, a file each; validation.cli gathers them. Heavy imports wait until a command runs."""
