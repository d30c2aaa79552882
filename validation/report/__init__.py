"""What a person reads: the page, figures, tables, words."""
