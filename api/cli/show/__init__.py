"""How each answer looks to people: one module for each question, from its JSON body to lines and tables."""
