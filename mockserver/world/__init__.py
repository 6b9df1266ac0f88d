"""What is behind the API: worlds, their store, users, events and the results that answers carry."""
