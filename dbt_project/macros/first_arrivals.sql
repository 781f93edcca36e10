{#
    The rows of a raw table; of several with one key, the one that sorts first by the other columns. Only rows with a
    repeated key are ranked: ranking all rows sorts all that ever arrived, which is most of the work of a run.

    others: names of the columns besides the key, in the order of ranking.
#}
{% macro first_arrivals(relation, key, others) -%}
    {%- set columns = [key] + others -%}
    with repeated as (

        select {{ key }} from {{ relation }}
        group by {{ key }}
        having count(*) > 1

    ),

    ranked as (

        select
            arrived.*,
            row_number() over (partition by arrived.{{ key }} order by arrived.{{ others | join(', arrived.') }}) as arrival
        from {{ relation }} as arrived
        inner join repeated on arrived.{{ key }} = repeated.{{ key }}

    )

    select arrived.{{ columns | join(', arrived.') }}
    from {{ relation }} as arrived
    left join repeated on arrived.{{ key }} = repeated.{{ key }}
    where repeated.{{ key }} is null
    union all
    select {{ columns | join(', ') }}
    from ranked
    where arrival = 1
{%- endmacro %}
