"""A bad day: upgrades, restores, faults and kills."""
