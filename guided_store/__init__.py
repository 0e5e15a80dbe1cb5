"""guided-store."""
