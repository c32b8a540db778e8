"""Findings: what an auditor would ask about, and the answers to it."""
