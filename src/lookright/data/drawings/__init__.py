"""What people draw, as shapes, and how shapes become human maps."""
