"""A sealed bundle in the forms that other programs read."""
