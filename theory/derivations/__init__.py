"""How the formulas are obtained: sympy, step by step, from definitions. Evaluation is in theory/predictions, without sympy."""
