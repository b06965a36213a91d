"""The vocabulary: what travels between the stages, the drills, what can go wrong. Imports nothing of rotrack."""
