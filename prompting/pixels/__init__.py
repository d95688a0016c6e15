"""What is in a picture, a mask or a region: arrays, and nothing but arrays."""
