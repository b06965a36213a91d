"""Sessions to and from other programs and computers."""
