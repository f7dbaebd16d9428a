"""Reports, in templates."""
