"""The catalogue of recordings, and what is found in them."""
