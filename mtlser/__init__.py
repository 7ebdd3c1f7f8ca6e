"""Multi-task speech emotion recognition: the library."""
