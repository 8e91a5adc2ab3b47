"""Bench of what is true: presses of a wide family, judged by the pressure on the pellet alone."""
