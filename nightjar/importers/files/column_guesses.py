"""Guesses which column of a file could be which of the contract, by names that are common in exports.

A guess is proposed, never applied: `visitorid` may be a user or a browser.
"""

from collections.abc import Sequence

from nightjar.contract.tables import Table

# Without what is no letter or digit, in lower case; the likeliest first.
_USUAL_NAMES = {
    "user_id": (
        *("userid", "user", "visitorid", "customerid", "memberid", "reviewerid", "accountid", "clientid"),
        *("profileid", "userpseudoid", "useruuid", "userguid", "username", "uid", "uuid", "customer", "member"),
        *("visitor", "reviewer", "usersession", "sessionid", "session", "deviceid", "cookieid", "anonymousid"),
    ),
    "item_id": (
        *("itemid", "item", "productid", "articleid", "movieid", "filmid", "bookid", "trackid", "songid"),
        *("artistid", "isbn", "parentasin", "asin", "sku", "offerid", "contentid", "documentid", "docid", "newsid"),
        *("gameid", "adid", "venueid", "businessid", "listingid", "recipeid", "productcode", "stockcode"),
        *("product", "article", "iid"),
    ),
    "event_type": ("eventtype", "event", "eventname", "action", "actiontype", "behavior", "behaviour", "behaviortype"),
    "occurred_at": (
        *("occurredat", "timestamp", "eventtime", "eventtimestamp", "time", "datetime", "createdat", "date", "ts"),
        *("tdat", "unixreviewtime", "reviewtime", "unixtime", "eventdate", "dt", "day", "invoicedate", "orderdate"),
        *("purchasedat", "viewedat", "clickedat", "readat", "dateupdated", "dateadded", "reviewdate", "t"),
    ),
    "value": ("value", "rating", "stars", "overall", "score", "bookrating", "ratingvalue", "quantity", "plays"),
    "title": ("title", "name", "itemname", "productname", "booktitle", "movietitle", "prodname", "producttitle"),
    "domain": ("domain", "category", "maincategory", "department", "productgroupname"),
    "feature": ("feature", "property", "tag", "genre", "attribute"),
    "rank": ("rank", "position", "slot"),
}
_USUAL_NAMES["shown_at"] = _USUAL_NAMES["occurred_at"]


def guess_columns(table: Table, names: Sequence[str], wanted: Sequence[str] | None = None) -> dict[str, str]:
    """Return column of the contract to name in the file, each name once.

    Args:
        table: The raw table that the file is meant for.
        names: In the file that are still free.
        wanted: Columns of the contract to find; all of the table unless given.
    """
    # customer.id is known as a whole, items[].sku by its end.
    plain = {_plain(name.rsplit(".", 1)[-1]): name for name in reversed(names)}
    plain |= {_plain(name): name for name in reversed(names)}
    guessed: dict[str, str] = {}
    for column in table.column_names if wanted is None else wanted:
        for usual in _USUAL_NAMES.get(column, ()):
            if usual in plain and plain[usual] not in guessed.values():
                guessed[column] = plain[usual]
                break
    return guessed


def _plain(name: str) -> str:
    return "".join(each for each in name.lower() if each.isalnum())
