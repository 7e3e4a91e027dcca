"""The web app over a million backups: how long its pages take with eight clients at once, and what memory it needs."""
