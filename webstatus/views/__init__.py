"""The endpoints: parse the request, query, render."""
