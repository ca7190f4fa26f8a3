"""The building blocks of constructions; each states its proven error."""
