"""The review loop: what humans should look at, what they decided, and what it makes of labels."""
