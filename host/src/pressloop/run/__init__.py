"""One run of a protocol: start or reattach, monitor, commands, prompts, result."""
