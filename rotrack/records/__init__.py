"""The log: writing, reading and summing up sessions; the only place that knows pandas tables."""
