with cleaned as (

    select
        cast(user_id as text) as user_id,
        cast({{ trimmed('feature') }} as text) as feature,
        cast(max(weight) as double precision) as weight,
        cast(recorded_at as timestamptz) as recorded_at
    from {{ source('raw', 'user_features') }}
    group by user_id, {{ trimmed('feature') }}, recorded_at

)

select * from cleaned
