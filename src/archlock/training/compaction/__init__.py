"""Remove units of a network while it trains: what is least needed fades to zero, and what is zero is taken out."""
