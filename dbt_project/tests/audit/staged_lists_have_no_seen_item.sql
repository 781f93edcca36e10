-- No list recommends what its user had an event with, of any type and weight, that the attempt was allowed to see.
with recommendations as (

    {{ staged_rows('recommendations') }}

),

seen as (

    {{ seen_by_audited_attempt() }}

)

select
    'user_id=' || recommendations.user_id as what,
    'an item without an event of the user' as expected,
    recommendations.item_id || ' at rank ' || recommendations.rank as got
from recommendations
inner join seen on recommendations.user_id = seen.user_id and recommendations.item_id = seen.item_id
