"""The bench of faults: draws presses, faults and stages, and judges the true pressure."""
