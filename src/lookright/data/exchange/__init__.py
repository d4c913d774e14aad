"""What importers and exporters are made of: careful parsers, and shapes of other tools."""
