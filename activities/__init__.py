"""Retryable side effects: one module for each outside system, and the contracts they share with the workflows."""
