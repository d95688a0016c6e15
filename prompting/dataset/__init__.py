"""The place that reads and writes FiftyOne's datasets."""
