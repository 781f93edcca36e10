-- No seen item is recommended, by events of any type and weight that the attempt saw, unless the domain allows repeats
-- and the last event is old enough.
with recommendations as (

    {{ staged_rows('recommendations') }}

),

left_out as (

    {{ seen_pairs_not_to_recommend() }}

)

select
    'user_id=' || recommendations.user_id as what,
    'an item without an event of the user' as expected,
    recommendations.item_id || ' at rank ' || recommendations.rank as got
from recommendations
inner join left_out on recommendations.user_id = left_out.user_id and recommendations.item_id = left_out.item_id
