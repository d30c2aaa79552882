"""What validation.strategies draws numbers and arrays by."""
