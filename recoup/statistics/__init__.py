"""Statistics that more than one part speaks with: intervals, survival with competing ends, resampling. Pure."""
