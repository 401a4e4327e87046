"""From a frame that arrived to events in the inbox: protocol, recording, decoding, hand-over, broadcast."""
