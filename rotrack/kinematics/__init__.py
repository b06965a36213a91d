"""Second stage: landmarks in, angles out; pure functions of geometry."""
