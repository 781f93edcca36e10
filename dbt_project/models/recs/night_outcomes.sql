with verdicts as (

    select
        publication_id,
        max(case when gate = 'popularity' then measured end) as recall,
        string_agg(case when verdict = 'refused' then gate end, ', ' order by gate) as refused_by,
        string_agg(case when verdict = 'refused' then gate || ': ' || reason end, '; ' order by gate) as refused_because
    from {{ source('recs', 'gate_decisions') }}
    group by publication_id

),

publications as (

    select
        publication_id,
        action,
        recommendation_rows,
        reason
    from {{ source('recs', 'publications') }}
    where action in ('published', 'history')

),

attempts as (

    select
        *,
        max(attempt) over (partition by data_date) as newest_attempt,
        lead(started_at) over (partition by data_date order by attempt) as next_started_at
    from {{ source('recs', 'publication_attempts') }}

),

-- Of several tasks that failed the first one is why, unless somebody has started it again.
ranked_failures as (

    select
        publication_id,
        outcome,
        reason,
        failed_at,
        row_number() over (partition by publication_id order by failed_at, task) as place
    from {{ source('recs', 'run_failures') }}
    where publication_id is not null and resumed_at is null

),

failures as (

    select
        publication_id,
        outcome,
        reason,
        failed_at
    from ranked_failures
    where place = 1

),

outcomes as (

    select
        attempts.publication_id,
        attempts.data_date,
        attempts.attempt,
        attempts.run_id,
        attempts.started_at,
        attempts.publish_mode,
        case
            when publications.action is not null then publications.action
            when verdicts.refused_by is not null then 'refused'
            when failures.failed_at < coalesce(attempts.next_started_at, 'infinity') then failures.outcome
            when attempts.attempt < attempts.newest_attempt then 'superseded'
            when attempts.stages not like '%publication%' then 'unpublished'
            else 'running'
        end as outcome,
        pointer.publication_id is not null as is_current,
        publications.recommendation_rows,
        verdicts.recall,
        verdicts.refused_by,
        coalesce(publications.reason, verdicts.refused_because, failures.reason) as reason,
        changes.previous_publication_id,
        changes.is_changed,
        changes.rows_changed
    from attempts
    left join verdicts on attempts.publication_id = verdicts.publication_id
    left join failures on attempts.publication_id = failures.publication_id
    left join publications on attempts.publication_id = publications.publication_id
    left join {{ ref('publication_changes') }} as changes on attempts.publication_id = changes.publication_id
    left join {{ source('recs', 'current_publication') }} as pointer
        on attempts.publication_id = pointer.publication_id

)

select * from outcomes
