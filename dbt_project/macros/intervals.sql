{# The 97.5 % point of the normal distribution: every interval of the marts is one of 95 %. #}
{% macro z_of_intervals() -%}
    1.959963984540054
{%- endmacro %}

{#
    One end of Wilson's 95 % interval of a fraction (E. B. Wilson, 1927), `side` low or high; null where there is
    nothing to divide by. It assumes independent trials, and holds for few of them and for fractions near 0 and 1.
#}
{% macro wilson(part, whole, side) -%}
    {%- set z = z_of_intervals() -%}
    {%- set p = fraction(part, whole) -%}
    {%- set n = "nullif(cast(" ~ whole ~ " as double precision), 0)" -%}
    {%- set middle = p ~ " + " ~ z ~ " * " ~ z ~ " / (2 * " ~ n ~ ")" -%}
    {%- set reach -%}
        {{ z }} * sqrt({{ p }} * (1 - {{ p }}) / {{ n }} + {{ z }} * {{ z }} / (4 * {{ n }} * {{ n }}))
    {%- endset -%}
    {%- set scale = "(1 + " ~ z ~ " * " ~ z ~ " / " ~ n ~ ")" -%}
    {# Rounding must not carry an end beyond the fraction itself, nor beyond 0 and 1. #}
    {%- if side == 'low' -%}
        case when {{ part }} = 0 then 0 * {{ p }} else ({{ middle }} - {{ reach }}) / {{ scale }} end
    {%- else -%}
        case when {{ part }} = {{ whole }} then 0 * {{ p }} + 1 else ({{ middle }} + {{ reach }}) / {{ scale }} end
    {%- endif -%}
{%- endmacro %}

{#
    The variance of a rate over whole users (delta method for a ratio of sums), from the sums over users of part * part,
    of part * exposures and of exposures * exposures: the exposures of one user are not independent. Null for a single user.
#}
{% macro rate_variance_over_users(rate, part_squares, products) -%}
    {{ fraction('users', '(users - 1)') }}
        * ({{ part_squares }} - 2 * {{ rate }} * {{ products }} + {{ rate }} * {{ rate }} * exposure_squares)
        / (cast(exposures as double precision) * exposures)
{%- endmacro %}

{#
    One end of the 95 % interval of how far a rate of `arms` lies above that of `controls`. It is the wider of
    two intervals: Newcombe's, from Wilson's two (R. G. Newcombe, 1998, method 10), which holds for few clicks; and the normal one
    over whole users, which holds where users click alike and depends on their number.
#}
{% macro lift_bound(rate, side) -%}
    {%- set above = '_low' if side == 'low' else '_high' -%}
    {%- set below = '_high' if side == 'low' else '_low' -%}
    arms.{{ rate }} - controls.{{ rate }} {{ '-' if side == 'low' else '+' }} greatest(
            sqrt(
                power(arms.{{ rate }}{{ above }} - arms.{{ rate }}, 2)
                + power(controls.{{ rate }}{{ below }} - controls.{{ rate }}, 2)
            ),
            {{ z_of_intervals() }} * sqrt(greatest(arms.{{ rate }}_variance + controls.{{ rate }}_variance, 0))
        )
{%- endmacro %}
