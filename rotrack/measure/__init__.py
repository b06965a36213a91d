"""One measurement from the first frame to the log: a clip, a camera, many clips, sessions of earlier versions."""
