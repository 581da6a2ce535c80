"""Students with embeddings: trained from nothing (`embedbag`), on a frozen encoder (`embedding`), fine-tuned."""
