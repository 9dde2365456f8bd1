"""Model files that were made to harm; each is refused with exit code 2 and one paragraph, soon and in little memory."""
