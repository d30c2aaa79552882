"""How formulas are derived and judged."""
