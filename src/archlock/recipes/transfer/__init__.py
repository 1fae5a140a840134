"""Record what adaptation gains: a table of transfer."""
