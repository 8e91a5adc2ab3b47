"""The host's side of the wire: schema, messages, codec and frames. docs/wire.md explains it."""
