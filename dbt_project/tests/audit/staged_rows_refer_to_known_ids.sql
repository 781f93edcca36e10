-- Users and items of the staged rows exist for the attempt; the reason of a recommendation is an item of its user.
with users as (

    {{ users_of_audited_attempt() }}

),

items as (

    {{ items_of_audited_attempt() }}

),

recommendations as (

    {{ staged_rows('recommendations') }}

),

seen as (

    {{ seen_by_audited_attempt() }}

),

references_to_check as (

    select
        'recommendations user_id=' || recommendations.user_id as what,
        'a user of dim_users' as expected
    from recommendations
    left join users on recommendations.user_id = users.user_id
    where users.user_id is null
    union
    select
        'user_embeddings user_id=' || user_embeddings.user_id as what,
        'a user of dim_users' as expected
    from ({{ staged_rows('user_embeddings') }}) as user_embeddings
    left join users on user_embeddings.user_id = users.user_id
    where users.user_id is null
    union
    select
        'item_embeddings item_id=' || item_embeddings.item_id as what,
        'an item of dim_items' as expected
    from ({{ staged_rows('item_embeddings') }}) as item_embeddings
    left join items on item_embeddings.item_id = items.item_id
    where items.item_id is null
    union
    select
        'similar_items item_id=' || similar_items.item_id as what,
        'an item of dim_items' as expected
    from ({{ staged_rows('similar_items') }}) as similar_items
    left join items on similar_items.item_id = items.item_id
    where items.item_id is null
    union
    select
        'recommendations user_id=' || recommendations.user_id || ' reason_item_id=' || recommendations.reason_item_id
            as what,
        'an item the user had an event with' as expected
    from recommendations
    left join seen on recommendations.user_id = seen.user_id and recommendations.reason_item_id = seen.item_id
    where recommendations.reason_item_id is not null and seen.item_id is null

)

select
    what,
    expected,
    'none' as got
from references_to_check
