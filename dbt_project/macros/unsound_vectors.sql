{# What is wrong with the vectors of a relation: of each kind, and of each vector by its id. #}
{% macro unsound_vectors(relation, id) -%}
    with vectors as (

        select
            {{ id }},
            kind,
            {{ vector_dim('vector') }} as dim,
            {{ vector_faults('vector') }} as faults,
            {{ vector_nonzeros('vector') }} as nonzeros
        from {{ relation }}

    ),

    faults as (

        select
            'kind=' || kind as what,
            'vectors of one length' as expected,
            min(dim) || ' to ' || max(dim) || ' numbers' as got
        from vectors
        group by kind
        having min(dim) <> max(dim)
        union all
        select
            '{{ id }}=' || {{ id }} || ' kind=' || kind as what,
            'finite numbers, not all of them 0' as expected,
            dim || ' numbers, ' || faults || ' not finite, ' || nonzeros || ' not 0' as got
        from vectors
        where faults > 0 or nonzeros = 0

    )

    select * from faults
{%- endmacro %}
