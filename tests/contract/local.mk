# One suite, run for every driver.
