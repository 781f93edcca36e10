with publications as (

    select
        publication_id,
        data_date,
        content_hash,
        lag(publication_id) over (partition by data_date order by ledger_id) as previous_publication_id,
        lag(content_hash) over (partition by data_date order by ledger_id) as previous_content_hash
    from {{ source('recs', 'publications') }}
    where action in ('published', 'history')

),

replacements as (

    select
        publication_id,
        data_date,
        previous_publication_id,
        content_hash <> previous_content_hash as is_changed
    from publications
    where previous_publication_id is not null

),

listed as (

    select
        publication_id,
        count(*) as recommendations
    from {{ source('recs', 'recommendations') }}
    where
        publication_id in (select replacements.publication_id from replacements)
        or publication_id in (select replacements.previous_publication_id from replacements)
    group by publication_id

),

listed_both_times as (

    select
        replacements.publication_id,
        count(*) as recommendations
    from replacements
    inner join {{ source('recs', 'recommendations') }} as new_rows
        on replacements.publication_id = new_rows.publication_id
    inner join {{ source('recs', 'recommendations') }} as old_rows
        on
            replacements.previous_publication_id = old_rows.publication_id
            and new_rows.user_id = old_rows.user_id
            and new_rows.domain = old_rows.domain
            and new_rows.item_id = old_rows.item_id
    group by replacements.publication_id

),

changes as (

    select
        replacements.publication_id,
        replacements.data_date,
        replacements.previous_publication_id,
        replacements.is_changed,
        case
            when listed_before.recommendations > 0
                then listed.recommendations - coalesce(listed_both_times.recommendations, 0)
        end as rows_changed
    from replacements
    left join listed on replacements.publication_id = listed.publication_id
    left join listed as listed_before on replacements.previous_publication_id = listed_before.publication_id
    left join listed_both_times on replacements.publication_id = listed_both_times.publication_id

)

select * from changes
