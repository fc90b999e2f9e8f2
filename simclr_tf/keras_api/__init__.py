"""SimCLR for Keras users: a model that fits, a layer, a loss, callbacks."""
