-- Every recommended, similar or popular item is an item of its domain, and recommendations and popular items hold only
-- items that are available at the attempt's end.
with items as (

    {{ items_of_audited_attempt() }}

),

listed as (

    select
        'recommendations' as table_name,
        item_id,
        domain,
        true as must_be_available
    from ({{ staged_rows('recommendations') }}) as recommendations
    union
    select
        'popular_items' as table_name,
        item_id,
        domain,
        true as must_be_available
    from ({{ staged_rows('popular_items') }}) as popular_items
    union
    select
        'similar_items' as table_name,
        similar_item_id as item_id,
        target_domain as domain,
        false as must_be_available
    from ({{ staged_rows('similar_items') }}) as similar_items

)

select
    listed.table_name || ' item_id=' || listed.item_id as what,
    case when listed.must_be_available then 'available in ' else 'known in ' end || listed.domain as expected,
    case
        when items.item_id is null then 'unknown item'
        when items.domain <> listed.domain then 'item of ' || items.domain
        else 'not available'
    end as got
from listed
left join items on listed.item_id = items.item_id
where
    items.item_id is null
    or items.domain <> listed.domain
    or (listed.must_be_available and not items.is_available)
