"""A student on disk: packed, sealed, loaded without torch, and put to work."""
