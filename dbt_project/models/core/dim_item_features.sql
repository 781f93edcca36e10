with versions as (

    select
        item_id,
        feature,
        weight,
        recorded_at as valid_from,
        lead(recorded_at) over (partition by item_id, feature order by recorded_at) as valid_to
    from {{ ref('stg_item_features') }}

)

select * from versions
