"""How image files become pixels: whole, upright, and without losing a bit."""
