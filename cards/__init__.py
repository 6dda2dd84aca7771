"""What people see of a build: the dataset card and the report."""
