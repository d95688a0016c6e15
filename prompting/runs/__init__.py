"""What an operator sets going, from the request to the last field that is written."""
