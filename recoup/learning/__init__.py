"""Learning when to retry from the ledger: the past read from it, models made and kept, moments chosen with them, and both judged."""
