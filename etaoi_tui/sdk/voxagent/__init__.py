"""Watches the agents of voxagent, which it imports only when it is used."""
