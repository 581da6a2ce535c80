"""What answers cost: prices, lists of them, and the arithmetic of pipelines."""
