"""First stage: pictures in, landmarks out; knows cameras, files and the pose model."""
