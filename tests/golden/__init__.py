"""Stored lines that every later release must read and write byte for byte."""
