"""Trained networks written for others: SavedModel, `.keras`, ONNX."""
