"""The status web app of Vex Backup: it reads the log database, and shows whether every server is safe."""
