"""HOW: from a region to what SAM 2 is told, and how often it is corrected."""
