"""Run audits: commands, spec, policy, engine, journal and gate."""
