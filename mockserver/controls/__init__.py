"""What a test author does to a world. For now: preferences of a single request."""
