"""Authentication and authorization: passwords, sessions, API tokens, forms, throttling, the guard of every view."""
