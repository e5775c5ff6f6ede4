"""Speech for other programs: the HTTP server with its page, and the doors for assistants."""
