"""The five services of the suite; each is one package and knows the others by contract only."""
