"""One file per resource; its request and response models live beside it."""
