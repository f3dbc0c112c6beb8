"""From run folders to physics: heat, power, friction, and the exact theory beside them."""
