"""The chaos harness: that it is faithful, that it bites, and that Recoup passes it."""
