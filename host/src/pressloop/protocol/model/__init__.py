"""The parts of a protocol as pydantic models, one file for each part that a user writes."""
