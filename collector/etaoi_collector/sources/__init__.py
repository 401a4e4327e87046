"""Where a viewer's events come from: a running collector, a recording, another viewer; one interface."""
