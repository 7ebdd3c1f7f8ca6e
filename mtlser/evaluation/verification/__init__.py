"""Whether figures are of the data, folds and weights that they are said to be of."""
