"""The durable processes: deterministic, no I/O, one module each."""
