"""The words of payloads: keys, shapes and lenient decoding, shared by SDK, store and viewer."""
