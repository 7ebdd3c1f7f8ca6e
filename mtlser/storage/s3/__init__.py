"""Places on S3: read by their pointers, written whole."""
