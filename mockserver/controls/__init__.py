"""What a test author does to a world: outcomes, faults, settings and clock, queries, state, snapshots."""
