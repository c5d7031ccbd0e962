"""The front door for Python programs; its public names are those of `pixian_batch` itself.

One image at a time, no ledger and no output tree: that is the command's work. The wire, the contract, the
verdicts and what follows each are the very ones of the command. It decides nothing about money itself.
"""
