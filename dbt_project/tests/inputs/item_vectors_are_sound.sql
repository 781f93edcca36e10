-- Vectors of a kind are equally long; each holds finite numbers only, and not only 0.
with vectors as (

    select
        item_id,
        kind,
        {{ vector_dim('vector') }} as dim,
        {{ vector_faults('vector') }} as faults,
        {{ vector_nonzeros('vector') }} as nonzeros
    from {{ ref('stg_item_vectors') }}

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
        'item_id=' || item_id || ' kind=' || kind as what,
        'finite numbers, not all of them 0' as expected,
        dim || ' numbers, ' || faults || ' not finite, ' || nonzeros || ' not 0' as got
    from vectors
    where faults > 0 or nonzeros = 0

)

select * from faults
