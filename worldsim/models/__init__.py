"""World models besides the learned one."""
