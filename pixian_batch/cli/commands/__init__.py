"""The commands: a file each, with a function of the command's name, loaded when it is called."""
