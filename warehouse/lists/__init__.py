"""How lists are made from one model: the one rule by which Spark fills a publication and one user is answered."""
