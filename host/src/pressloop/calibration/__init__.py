"""Calibrate a press against a reference for force, after the procedure of ISO 7500-1.

At least five levels over 20 to 100 % of the range, three rising series and at least one falling.
What comes out is the error of the press with its uncertainty and a correction. No class of the
standard is claimed: that takes an accredited laboratory.
"""
