"""What encoders leave on disk, and the resumable pass that makes it."""
