"""Files written whole or not at all, and locks that end with their owner."""
