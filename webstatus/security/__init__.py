"""Who may do what: passwords, sessions, forms, throttling, and the guard around every view."""
