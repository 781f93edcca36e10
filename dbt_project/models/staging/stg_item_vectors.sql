with cleaned as (

    select
        cast(item_id as text) as item_id,
        cast({{ trimmed('kind') }} as text) as kind,
        max(vector) as vector,
        cast(recorded_at as timestamptz) as recorded_at,
        cast(max(encoder_sha256) as text) as encoder_sha256,
        cast(max(input_sha256) as text) as input_sha256
    from {{ source('raw', 'item_vectors') }}
    group by item_id, {{ trimmed('kind') }}, recorded_at

)

select * from cleaned
