"""What happens: simulations that do not know the answer."""
