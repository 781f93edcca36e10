"""The product around the models: contract, ranking, warehouse, publication, imports, serving, pages, commands."""
