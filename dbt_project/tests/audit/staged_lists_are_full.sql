-- Every user of the attempt has a top-K list in every domain, of K items or of all that may be recommended to the user.
with items as (

    {{ items_of_audited_attempt() }}

),

available_items as (

    select
        item_id,
        domain
    from items
    where is_available

),

domain_sizes as (

    select
        domain,
        count(*) as items_available
    from available_items
    group by domain

),

left_out_items as (

    select
        left_out.user_id,
        available_items.domain,
        count(*) as items_left_out
    from ({{ seen_pairs_not_to_recommend() }}) as left_out
    inner join available_items on left_out.item_id = available_items.item_id
    group by left_out.user_id, available_items.domain

),

lists as (

    select
        user_id,
        domain,
        count(*) as list_length
    from ({{ staged_rows('recommendations') }}) as recommendations
    group by user_id, domain

),

compared as (

    select
        users.user_id,
        domain_sizes.domain,
        least({{ var('top_k') | int }}, domain_sizes.items_available - coalesce(left_out_items.items_left_out, 0))
            as expected_length,
        coalesce(lists.list_length, 0) as list_length
    from ({{ users_of_audited_attempt() }}) as users
    cross join domain_sizes
    left join left_out_items
        on users.user_id = left_out_items.user_id and domain_sizes.domain = left_out_items.domain
    left join lists on users.user_id = lists.user_id and domain_sizes.domain = lists.domain

)

select
    {{ described(['user_id', 'domain']) }} as what,
    expected_length || ' items' as expected,
    list_length || ' items' as got
from compared
where list_length <> expected_length
