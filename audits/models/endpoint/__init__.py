"""A model that an OpenAI-compatible server answers for."""
