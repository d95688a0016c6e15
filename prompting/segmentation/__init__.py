"""SAM 2: what it is told, how it is asked, and what it computes with."""
