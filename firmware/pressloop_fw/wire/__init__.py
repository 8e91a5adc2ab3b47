"""The wire on the board: the schema, CBOR, frames, and the link that ties them together."""
