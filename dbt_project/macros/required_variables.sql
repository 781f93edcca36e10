{#
    The variable of a run, from the command line or the environment, or an error with an example. The environment is read
    when a statement runs: what dbt reads of it while it parses makes it parse again in each run.
#}
{% macro required_variable(name, example) -%}
    {%- set given = var(name, none) -%}
    {%- if execute and not given -%}
        {%- set given = env_var('NIGHTJAR_RUN_' ~ (name | upper), '') -%}
    {%- endif -%}
    {%- if execute and not given -%}
        {{ exceptions.raise_compiler_error(
            "variable " ~ name ~ " is missing: give it with --vars, for example {" ~ name ~ ": '" ~ example ~ "'}"
        ) }}
    {%- endif -%}
    {{ return(given or example) }}
{%- endmacro %}

{# One end of the run's interval as a Python datetime in UTC. #}
{% macro interval_bound(name) -%}
    {%- set text = required_variable(name, '2026-03-31T00:00:00+00:00') -%}
    {%- set instant = modules.datetime.datetime.fromisoformat(text | string) -%}
    {%- if instant.tzinfo is none -%}
        {{ exceptions.raise_compiler_error("variable " ~ name ~ " has no time zone: " ~ text) }}
    {%- endif -%}
    {{ return(instant.astimezone(modules.pytz.utc)) }}
{%- endmacro %}

{# One end of the run's interval as SQL. #}
{% macro interval_bound_sql(name) -%}
    cast('{{ interval_bound(name).isoformat() }}' as timestamptz)
{%- endmacro %}
