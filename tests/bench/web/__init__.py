"""The web app over a million backups: its pages with eight clients, its searches with one client, its memory."""
