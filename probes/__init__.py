"""Ask the model: probes, their contract, their statistics and detectors."""
