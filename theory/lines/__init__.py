"""Lines: what a derivation is made of, as it is written and as it was judged."""
