"""Small files of our own in the formats of the datasets that the Basque recipes read, with drawn pictures."""
