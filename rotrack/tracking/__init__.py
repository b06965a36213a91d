"""Third stage: angles over time in, repetitions out; the one measuring path."""
