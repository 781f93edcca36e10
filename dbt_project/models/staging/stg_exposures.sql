with ranked as (

    select
        *,
        row_number() over (
            partition by exposure_id
            order by ingested_at, shown_at, user_id, item_id, rank, publication_id, variant
        ) as arrival
    from {{ source('raw', 'exposures') }}

),

cleaned as (

    select
        cast(exposure_id as text) as exposure_id,
        cast(user_id as text) as user_id,
        cast(item_id as text) as item_id,
        cast(rank as integer) as rank,
        cast(nullif({{ trimmed('publication_id') }}, '') as text) as publication_id,
        cast(variant as text) as variant,
        cast(shown_at as timestamptz) as shown_at,
        cast(ingested_at as timestamptz) as ingested_at,
        {{ utc_date('shown_at') }} as event_date
    from ranked
    where arrival = 1

)

select * from cleaned
