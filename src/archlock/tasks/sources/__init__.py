"""Where tasks come from: one file per source."""
