"""When to try again: the prior, the planner, and what they are judged by. Nothing heavy is imported before it is used."""
