with cleaned as (

    select
        cast(item_id as text) as item_id,
        cast({{ trimmed('feature') }} as text) as feature,
        cast(max(weight) as double precision) as weight,
        cast(recorded_at as timestamptz) as recorded_at
    from {{ source('raw', 'item_features') }}
    group by item_id, {{ trimmed('feature') }}, recorded_at

)

select * from cleaned
