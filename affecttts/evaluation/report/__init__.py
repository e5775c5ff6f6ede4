"""Report pages, journals and plain values."""
