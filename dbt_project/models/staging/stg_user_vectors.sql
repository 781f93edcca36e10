with cleaned as (

    select
        cast(user_id as text) as user_id,
        cast({{ trimmed('kind') }} as text) as kind,
        max(vector) as vector,
        cast(recorded_at as timestamptz) as recorded_at
    from {{ source('raw', 'user_vectors') }}
    group by user_id, {{ trimmed('kind') }}, recorded_at

)

select * from cleaned
