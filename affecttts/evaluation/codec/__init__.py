"""`affecttts evaluate codec`."""
