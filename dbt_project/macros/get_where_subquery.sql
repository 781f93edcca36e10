{#
    The rows that a test with the option `where` reads. `__audited_publication__` stands for the publication of the run: a
    variable in the option would be read while dbt parses, which would parse the project again in each run.
#}
{% macro get_where_subquery(relation) -%}
    {%- set where = config.get('where', '') -%}
    {%- if not where -%}
        {{ return(relation) }}
    {%- endif -%}
    {%- if '__audited_publication__' in where -%}
        {%- set where = where | replace('__audited_publication__', audited_publication()) -%}
    {%- endif -%}
    {{ return('(select * from ' ~ relation ~ ' where ' ~ where ~ ') as dbt_subquery') }}
{%- endmacro %}
