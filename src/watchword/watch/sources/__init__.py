"""Where the watch's events come from: files, folders, services that are asked, and services that call.

Whatever comes lands in a spool first (`spool.py`): durable before a checkpoint moves or a caller is thanked. The watch
reads spools and nothing else, so it may be away, be killed, or be slower than what comes.
"""
