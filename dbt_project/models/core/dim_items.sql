with versions as (

    select
        item_id,
        domain,
        title,
        available_from,
        available_until,
        is_inferred,
        valid_from,
        lead(valid_from) over (partition by item_id order by valid_from) as valid_to
    from {{ ref('int_item_versions') }}

)

select * from versions
