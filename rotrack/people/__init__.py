"""Whose sessions these are: names understood, records changed, everything of a person shown and erased."""
