"""One module per prediction: its derivation and the observables evaluated from it."""
