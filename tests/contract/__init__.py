"""What is written twice is the same: the schema and the models, the code and its reference."""
