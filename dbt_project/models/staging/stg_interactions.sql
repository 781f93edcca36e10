with arrived as (

    {{
        first_arrivals(
            source('raw', 'interactions'),
            'event_id',
            ['ingested_at', 'occurred_at', 'user_id', 'item_id', 'event_type', 'value']
        )
    }}

),

cleaned as (

    select
        cast(event_id as text) as event_id,
        cast(user_id as text) as user_id,
        cast(item_id as text) as item_id,
        {{ lower_case(trimmed("cast(event_type as text)")) }} as event_type,
        cast(value as double precision) as value,
        cast(occurred_at as timestamptz) as occurred_at,
        cast(ingested_at as timestamptz) as ingested_at,
        {{ utc_date('occurred_at') }} as event_date
    from arrived

)

select * from cleaned
