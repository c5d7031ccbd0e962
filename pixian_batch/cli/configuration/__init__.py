"""Options from files: `pixian-batch.toml` of the project and of the user, and their named profiles.

What a file says becomes the default of the command's options, so flags and the environment win by
themselves. Unknown keys and wrong types are errors that name file and key. A file never holds a secret,
and a project's file may neither run a command nor send the credentials elsewhere: it may come from others.

files finds and parses them, keys knows what they may say, values checks it, reading lays file over file,
applying makes the parser's defaults of it.
"""
