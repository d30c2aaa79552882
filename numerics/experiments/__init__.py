"""One module per experiment, under the stem of the prediction it tests."""
