with lists as (

    select * from {{ ref('recommendations_history') }}

),

run_dates as (

    select
        data_date,
        lag(data_date) over (order by data_date) as previous_date
    from (select distinct data_date from lists) as dates

),

churn as (

    select
        lists.data_date as activity_date,
        lists.domain,
        avg(cast(case when previous.item_id is null then 1 else 0 end as double precision)) as churn
    from lists
    inner join run_dates on lists.data_date = run_dates.data_date and run_dates.previous_date is not null
    left join lists as previous
        on
            run_dates.previous_date = previous.data_date
            and lists.user_id = previous.user_id
            and lists.domain = previous.domain
            and lists.item_id = previous.item_id
    group by lists.data_date, lists.domain

)

select * from churn
