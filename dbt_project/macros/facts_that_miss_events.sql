{#
    The dates before the interval's end on which a fact lost rows, or holds rows that never arrived.

    A fact has at least the rows of `counted`, which was built just before it, and no row that is not in the raw table.
    Rows that arrive during the run are for the next one: they are in the staging view, and in the fact only where they
    came before it was built.
#}
{% macro facts_that_miss_events(counted, staged, fact, arrived, key) -%}
    {%- set last = interval_bound('interval_end') - modules.datetime.timedelta(microseconds=1) -%}
    with totals as (

        select
            coalesce(counted.event_date, built.event_date) as event_date,
            coalesce(counted.event_count, 0) as counted,
            coalesce(built.event_count, 0) as built,
            coalesce(now_there.event_count, 0) as now_there
        from {{ counted }} as counted
        full outer join ({{ date_totals(fact) }}) as built on counted.event_date = built.event_date
        left join ({{ date_totals(staged) }}) as now_there
            on coalesce(counted.event_date, built.event_date) = now_there.event_date

    ),

    -- A second row of an event may move it to another date: only one whose key is gone never arrived.
    never_arrived as (

        select distinct built.event_date
        from {{ fact }} as built
        inner join totals on built.event_date = totals.event_date and totals.built > totals.now_there
        left join {{ arrived }} as arrived on built.{{ key }} = arrived.{{ key }}
        where arrived.{{ key }} is null

    )

    select
        'event_date=' || cast(totals.event_date as text) as what,
        case when never_arrived.event_date is null then totals.counted else totals.now_there end || ' rows' as expected,
        totals.built || ' rows' as got
    from totals
    left join never_arrived on totals.event_date = never_arrived.event_date
    where
        totals.event_date <= date '{{ last.date() }}'
        and (totals.built < totals.counted or never_arrived.event_date is not null)
{%- endmacro %}
