"""Judgement: whether a line holds on its whole domain, on what evidence, and what that evidence trusts."""
