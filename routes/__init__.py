"""The doors: they read, call one service, commit and answer."""
