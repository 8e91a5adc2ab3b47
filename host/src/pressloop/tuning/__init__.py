"""Learn a press from ordinary runs on a steel blank, and how a sample is met at first contact."""
