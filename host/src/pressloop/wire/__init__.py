"""The wire as the host speaks it: schema, messages, codec, frames. docs/wire.md explains it."""
