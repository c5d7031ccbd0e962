"""A look at results that are paid for: how suspect each is, a page of them, what marketplaces ask for. Sends nothing."""
