"""What model calls cost and how much a model's window holds: from a maintained package, or from the user."""
