"""Measures how old the page of a press is when it is seen."""
