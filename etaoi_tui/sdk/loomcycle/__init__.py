"""Watches the clients of loomcycle, which it imports only when it is used."""
