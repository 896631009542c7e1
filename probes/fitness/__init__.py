"""Does the model lie between the least ability that its task needs and the most that its deployment can carry?"""
