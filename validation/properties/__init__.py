"""Properties: the laws of this field, and the search for a setting that breaks one; `validation.laws` is the door."""
