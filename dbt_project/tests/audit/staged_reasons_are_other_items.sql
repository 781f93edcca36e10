-- An item is no reason for itself, also where a user gets again what they have met.
select
    'user_id=' || user_id || ' domain=' || domain as what,
    'another item as the reason' as expected,
    item_id || ' for itself at rank ' || rank as got
from ({{ staged_rows('recommendations') }}) as recommendations
where item_id = reason_item_id
