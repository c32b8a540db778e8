"""Teams: named groups that objectives belong to and that never own."""
