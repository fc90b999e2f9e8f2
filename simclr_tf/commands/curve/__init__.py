"""The points of the label-efficiency curve."""
