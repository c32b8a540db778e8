"""The doors: JSON routes, pages and the command line."""
