"""Faults for real: the converter killed, or the disk failing, before each call that changes the disk."""
