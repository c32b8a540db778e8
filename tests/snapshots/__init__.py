"""Pages of objectives in dated versions: what they say, and what changed between them."""
