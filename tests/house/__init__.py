"""The rules of the house, held by tests: each says in its docstring what it asks for and why."""
