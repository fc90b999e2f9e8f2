"""One module per mode: wires a `Config` to the layers below."""
