"""What heads say of themselves: the choices of their training, what it spent, the manifest. Records only."""
