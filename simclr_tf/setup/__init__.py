"""What a `Config` means: devices, data, network, `model_dir`."""
