"""The model card of a bundle: what it is, how to run it, how good it is, and pictures of that."""
