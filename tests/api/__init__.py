"""The HTTP door, over real HTTP and a real PostgreSQL."""
