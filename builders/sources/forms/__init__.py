"""The forms of upstream datasets that we read: one module each, by the dataset's name."""
