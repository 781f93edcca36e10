with arrived as (

    {{
        first_arrivals(
            source('raw', 'exposures'),
            'exposure_id',
            ['ingested_at', 'shown_at', 'user_id', 'item_id', 'rank', 'publication_id', 'variant']
        )
    }}

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
    from arrived

)

select * from cleaned
