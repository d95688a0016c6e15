"""From several strategies' results to one label: which to take, how good it is, and what to label next."""
