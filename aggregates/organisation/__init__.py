"""The organisation: the creation of its ledger and the policies that rule it."""
