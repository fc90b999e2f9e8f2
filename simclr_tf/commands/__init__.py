"""One module per mode: reads a `Config`, calls what lies below."""
