"""What the tests share: servers of their own, warehouses filled by hand, small runs, checks of errors and wording."""
