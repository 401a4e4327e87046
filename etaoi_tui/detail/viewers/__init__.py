"""What each kind of span shows: a viewer a file."""
