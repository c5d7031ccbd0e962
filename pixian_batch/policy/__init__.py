"""Decisions, pure: plan, ramp, back-off, verdict, budget, tally. No asyncio, no clock, no disk."""
