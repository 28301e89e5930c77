"""Turns: which execution may load now, and what an execution does next. No I/O."""
