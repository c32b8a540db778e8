"""The endpoints, each a few lines: take what the address says, ask or command, answer."""
