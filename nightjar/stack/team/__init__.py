"""A small team's stack: one table of programs, rendered as docker-compose.yml or run as processes of one machine."""
