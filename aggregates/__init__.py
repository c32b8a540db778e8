"""The rules: values, the vocabulary and pure decisions, without input, output or clock."""
