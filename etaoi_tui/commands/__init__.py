"""What keys, palette and mouse do."""
