"""Onboarding of customers: each is registered with Flagright, and held where a rule says so."""
