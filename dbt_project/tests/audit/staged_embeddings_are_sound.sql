-- Every embedding has finite elements only, and all embeddings of users and items have the same dimension.
with embeddings as (

    select
        'item_id=' || item_id as what,
        {{ vector_dim('embedding') }} as dim,
        {{ vector_faults('embedding') }} as faults
    from ({{ staged_rows('item_embeddings') }}) as item_embeddings
    union all
    select
        'user_id=' || user_id as what,
        {{ vector_dim('embedding') }} as dim,
        {{ vector_faults('embedding') }} as faults
    from ({{ staged_rows('user_embeddings') }}) as user_embeddings

),

one_dim as (

    select max(dim) as dim
    from embeddings

)

select
    embeddings.what,
    one_dim.dim || ' finite elements' as expected,
    coalesce(embeddings.dim, 0) || ' elements, ' || coalesce(embeddings.faults, 0) || ' not finite' as got
from embeddings
cross join one_dim
where embeddings.dim is null or embeddings.dim <> one_dim.dim or embeddings.dim = 0 or embeddings.faults > 0
