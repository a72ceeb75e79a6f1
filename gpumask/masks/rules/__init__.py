"""Quality bands to masks: what their flags are, which pixels a rule matches, and what that is worth on arrays."""
