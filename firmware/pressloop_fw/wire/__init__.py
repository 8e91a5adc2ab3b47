"""The board's side of the wire: schema, CBOR, frames, and the link that connects them."""
