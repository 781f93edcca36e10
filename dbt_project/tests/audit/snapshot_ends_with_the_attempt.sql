-- What the attempt saw happened before its end.
with attempt as (

    {{ audited_attempt() }}

),

snapshot_interactions as (

    {{ snapshot_rows('snapshot_interactions') }}

)

select
    'user_id=' || snapshot_interactions.user_id || ' item_id=' || snapshot_interactions.item_id as what,
    'an event before ' || cast(attempt.as_of as text) as expected,
    cast(snapshot_interactions.last_occurred_at as text) as got
from snapshot_interactions
cross join attempt
where snapshot_interactions.last_occurred_at >= attempt.as_of
