# Laws and tables of the merge.
