"""What a subset is selected from and for: pairs, fields, costs, parents, and a look beforehand."""
