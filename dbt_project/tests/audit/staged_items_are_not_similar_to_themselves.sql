select
    'item_id=' || item_id as what,
    'another item' as expected,
    'itself at rank ' || rank as got
from ({{ staged_rows('similar_items') }}) as similar_items
where item_id = similar_item_id
