"""A small team's stack: docker-compose.yml, run by Docker Compose or as processes of one machine."""
