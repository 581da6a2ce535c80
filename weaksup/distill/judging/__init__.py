"""How good a student is, on gold, and how far it can be believed."""
