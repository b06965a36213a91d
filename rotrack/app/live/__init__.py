"""A live session: the camera, what is chosen for it, what is said, and what the pages are sent; no page itself."""
