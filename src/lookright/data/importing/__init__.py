"""From another tool's drawings to maps and a manifest, and back."""
