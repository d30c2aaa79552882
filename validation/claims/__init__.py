"""One module per claim, under the stem of its prediction; each has `claims()` and `figures()`."""
