"""The policy file: read strictly, said in words, described for editors."""
