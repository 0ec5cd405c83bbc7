"""A second opinion on a compiled network: it shares no code with what compiled it."""
