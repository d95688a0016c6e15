"""Prompting strategies for SAM 2: where the prompts come from, how they are said, what comes of them."""
