"""Images that do not fit in memory: decoded once into files of blocks, or decoded whenever they are asked for."""
