"""The student `slm`: a small language model, trained to answer what the tiers are asked."""
