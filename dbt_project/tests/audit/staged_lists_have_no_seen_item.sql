-- No list recommends what its user had an event with, of any type and weight, that the attempt was allowed to see,
-- unless the domain lets items come back and the last event is old enough.
with recommendations as (

    {{ staged_rows('recommendations') }}

),

left_out as (

    {{ left_out_by_audited_attempt() }}

)

select
    'user_id=' || recommendations.user_id as what,
    'an item without an event of the user' as expected,
    recommendations.item_id || ' at rank ' || recommendations.rank as got
from recommendations
inner join left_out on recommendations.user_id = left_out.user_id and recommendations.item_id = left_out.item_id
