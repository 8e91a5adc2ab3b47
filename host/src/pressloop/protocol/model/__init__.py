"""Define the parts of a protocol as pydantic models."""
