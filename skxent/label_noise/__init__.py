"""Wrong labels: which rows have them, and how often each class is taken for another."""
