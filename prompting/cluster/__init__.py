"""Workers on other machines, by Ray: the only room that knows it, and only where it is asked for."""
