"""How far annotators agree beyond chance."""
