"""What equilibrium and dragged runs say about the friction of each particle."""
