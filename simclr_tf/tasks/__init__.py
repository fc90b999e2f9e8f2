"""One module per mode: wires a `Config` to the layers below.

Folders hold the parts that modes share: `setup`, what a configuration means;
`training`, what every run of training does; `scoring`, what a checkpoint is
worth; `planning` and `curve`, the parts of two modes alone.
"""
