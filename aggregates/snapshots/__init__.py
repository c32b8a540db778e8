"""A page of objectives in its dated versions: what each version says, and what changed between two of them."""
