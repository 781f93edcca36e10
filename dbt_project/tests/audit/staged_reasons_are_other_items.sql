-- An item is not its own reason, also where it is a repeat.
select
    'user_id=' || user_id || ' domain=' || domain as what,
    'another item as the reason' as expected,
    item_id || ' for itself at rank ' || rank as got
from ({{ staged_rows('recommendations') }}) as recommendations
where item_id = reason_item_id
