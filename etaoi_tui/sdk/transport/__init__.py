"""From records to a viewer, a file or a sink, on threads of its own."""
