"""The page in the browser: draws results and computes nothing."""
