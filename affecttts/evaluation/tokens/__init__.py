"""What codes tell of phones and emotions."""
