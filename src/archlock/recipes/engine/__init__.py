"""The one search engine: which architecture is the lock, by evidence bought on a market, live or recorded."""
