with ranked as (

    select
        *,
        row_number() over (
            partition by item_id, recorded_at
            order by domain, title, available_from, available_until
        ) as place
    from {{ source('raw', 'items') }}

),

cleaned as (

    select
        cast(item_id as text) as item_id,
        cast(coalesce(nullif({{ trimmed('domain') }}, ''), 'default') as text) as domain,
        cast(coalesce(nullif({{ trimmed('title') }}, ''), item_id) as text) as title,
        cast(available_from as timestamptz) as available_from,
        cast(available_until as timestamptz) as available_until,
        cast(recorded_at as timestamptz) as recorded_at
    from ranked
    where place = 1

)

select * from cleaned
