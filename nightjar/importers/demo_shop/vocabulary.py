"""The vocabulary of the demo shop: tastes, genres, titles, names and countries."""

DOMAINS = ("films", "books", "games")
ITEM_PREFIXES = ("film", "book", "game")

TASTES = ("space", "crime", "romance", "history", "nature", "humour", "fantasy", "horror")
"""The planted tastes; each is also a genre that all domains share."""

DOMAIN_GENRES = (
    ("blockbuster", "noir", "musical", "costume-drama", "documentary", "slapstick", "fairy-tale", "slasher"),
    ("hard-science", "whodunnit", "love-story", "biography", "travelogue", "satire", "saga", "ghost-story"),
    ("shooter", "detective", "dating", "strategy", "farming", "party", "role-playing", "survival"),
)
"""For each domain the genre that only this domain uses, one for each taste."""

ADJECTIVES = (
    *("Silent", "Crimson", "Hidden", "Last", "Golden", "Broken", "Distant", "Hollow", "Burning", "Frozen"),
    *("Secret", "Endless", "Quiet", "Wild", "Forgotten", "Bright", "Velvet", "Iron", "Paper", "Glass"),
    *("Midnight", "Second", "Lonely", "Gentle", "Restless", "Stolen", "Painted", "Northern", "Salted", "Tall"),
)
NOUNS = (
    ("Orbit", "Comet", "Signal", "Airlock", "Nebula", "Station", "Moon", "Horizon", "Satellite", "Launch"),
    ("Witness", "Alibi", "Heist", "Detective", "Verdict", "Motive", "Suspect", "Vault", "Cipher", "Trial"),
    ("Letter", "Kiss", "Wedding", "Summer", "Promise", "Garden", "Waltz", "Heart", "Bouquet", "Rendezvous"),
    ("Empire", "Crown", "Siege", "Archive", "Legion", "Treaty", "Harbour", "Dynasty", "Chronicle", "March"),
    ("River", "Forest", "Glacier", "Meadow", "Reef", "Falcon", "Orchard", "Tide", "Savannah", "Mountain"),
    ("Neighbour", "Mistake", "Holiday", "Uncle", "Parrot", "Interview", "Banquet", "Butler", "Umbrella", "Clown"),
    ("Dragon", "Wizard", "Kingdom", "Spell", "Griffin", "Prophecy", "Amulet", "Oracle", "Tower", "Rune"),
    ("Cellar", "Shadow", "Whisper", "Grave", "Mirror", "Asylum", "Ritual", "Fog", "Curse", "Doll"),
)
"""Nouns of titles, a tuple for each taste."""

FIRST_NAMES = ("Ada", "Boris", "Chiara", "Dayo", "Emil", "Farah", "Goran", "Hana", "Ines", "Jomo", "Kaia", "Luis")
LAST_NAMES = ("Abel", "Brandt", "Castro", "Duarte", "Eriksen", "Fontaine", "Galli", "Haddad", "Ito", "Jansen", "Kovac")

COUNTRIES = ("Germany", "France", "Poland", "Spain", "Kenya", "Japan", "Brazil", "Canada")
RARE_COUNTRIES = (
    *("Tuvalu", "Nauru", "Bhutan", "Andorra", "Palau", "Kiribati", "Tonga", "Monaco", "Vanuatu", "Samoa", "Belize"),
    *("Comoros", "Malta", "Lesotho", "Suriname", "Fiji", "Brunei", "Dominica", "Grenada", "Maldives"),
)
AGE_GROUPS = ("18-24", "25-34", "35-44", "45-54", "55-64", "65+")
PRICES = ("low", "mid", "high")
