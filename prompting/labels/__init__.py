"""What people's labels mean: values, colours, soft masks, boxes; or why that can't be told."""
