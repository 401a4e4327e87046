"""HTTP/2, for the receivers that need it: loaded when the first connection speaks it."""
