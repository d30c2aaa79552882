"""Do they agree: claims, statistics, figures, report, command line."""
