"""A model that the workers of a Ray cluster hold: the only folder that imports ray."""
