"""What starts, installs and ships the suite."""
