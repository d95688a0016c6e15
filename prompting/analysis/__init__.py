"""What results mean: statistics, error parts, figures. Arrays and plain data in and out; FiftyOne isn't known here."""
