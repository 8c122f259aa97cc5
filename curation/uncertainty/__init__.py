"""How sure a label, a judge or a score is: calibration, order effects, decompositions."""
