"""What can be loaded: names, files, and whether a file may be trusted."""
