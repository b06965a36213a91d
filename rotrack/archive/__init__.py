"""A folder tree of videos that a manifest lists, measured on one computer or on a cluster."""
