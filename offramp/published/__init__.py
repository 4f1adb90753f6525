"""The published JSON Schemas: each is made from the models that the readers use."""
