"""What is drawn on and beside frames: overlay, guide, annotated video, window, drawings of the drills."""
