"""Learn a press from ordinary runs on a steel blank; measure the first contact with a sample."""
