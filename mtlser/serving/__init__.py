"""A trained model: loaded from any place, predictions for audio files."""
