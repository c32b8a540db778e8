"""What an auditor who had not seen the house built tried on it: the meaning of the answers, from the outside."""
