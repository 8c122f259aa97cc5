"""Does the subset train a better model than a random one of the same size?"""
