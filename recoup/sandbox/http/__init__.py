"""How requests and answers are written on the wire: forms, parameters, errors, expansion, pages, idempotency."""
