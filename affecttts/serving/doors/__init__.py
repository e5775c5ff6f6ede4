"""Doors for assistants: Wyoming and MCP."""
