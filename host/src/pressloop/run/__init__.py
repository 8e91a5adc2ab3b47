"""Runs a protocol on a press and follows it: start, prompts, commands, end, attach."""
