-- Within one user, domain and source the scores never rise with the rank: other scores cannot be compared.
with scored as (

    select
        *,
        lag(score) over (partition by user_id, domain, source order by rank) as score_before
    from ({{ staged_rows('recommendations') }}) as recommendations

)

select
    {{ described(['user_id', 'domain', 'rank']) }} as what,
    'at most ' || {{ number_as_text('score_before') }} as expected,
    score as got
from scored
where score > score_before
