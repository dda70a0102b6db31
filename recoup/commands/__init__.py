"""The larger groups of commands; what each needs is imported when it runs."""
