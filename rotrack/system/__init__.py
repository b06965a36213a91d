"""The computer: files read and written, the time, libraries that may be missing."""
