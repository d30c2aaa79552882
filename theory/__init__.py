"""What must be true: sympy derivations and the closed forms they end in."""
