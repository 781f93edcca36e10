with cleaned as (

    select
        cast(user_id as text) as user_id,
        cast(min(created_at) as timestamptz) as created_at,
        cast(recorded_at as timestamptz) as recorded_at
    from {{ source('raw', 'users') }}
    group by user_id, recorded_at

)

select * from cleaned
