"""People and services: who is here, and in which role."""
