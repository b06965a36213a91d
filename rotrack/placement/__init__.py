"""Whether the camera and the person are placed so that the drill can be measured."""
