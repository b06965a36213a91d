"""Has a range really changed? Session values compared with their measurement error; other instruments; made-up sample data."""
