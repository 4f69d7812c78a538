# Helpers for developers and packagers; nothing here is installed.
