"""What a request costs here and elsewhere, measured side by side. `make bench` runs it; nothing imports it."""
