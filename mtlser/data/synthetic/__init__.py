"""The synthetic corpora: actors, dialogues, speech and release files."""
