"""The demonstration: an invented company with three quarters of strategy, made through the rules."""
