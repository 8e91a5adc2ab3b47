"""Bench of the calibration: presses of the wide family, judged by the pressure on the pellet."""
