"""Python client of Melisma: a style prompt and lyrics in, a song out, streamed while it is being made."""
