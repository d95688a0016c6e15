"""A package for pytest, whose fixtures may last as long as the folder: one App and one browser for all files."""
