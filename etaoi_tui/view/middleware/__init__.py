"""What middleware did to a call, as rows show it."""
