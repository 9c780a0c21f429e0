"""The words that companies, venues and firms are named with. Their order is part of the market: only append."""

from __future__ import annotations


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


COMPANY_FIRST = _words(
    """
    Alder Ashford Beacon Birchwood Blackstone-Hale Bright Calder Canyon Cedar Clearwater Cobalt Copper Crestline Dalton
    Eastmark Elmhurst Fairmont Falcon Fernbrook Garnet Glacier Granite Harlan Hawthorn Highland Indigo Ironwood Juniper
    Keystone Lakeshore Larkspur Linden Mariner Meridian Mistral Northgate Oakhurst Obsidian Orchard Pinnacle Prairie
    Quarry Redfern Ridgeway Sable Sierra Silverline Stonebridge Summit Tamarack Thornbury Timber Upland Valecrest Vesper
    Wexford Whitfield Willow Windmere Yarrow
    """
)
COMPANY_SECOND = _words(
    """
    Aerospace Analytics Bancorp Biosciences Brands Capital Chemical Communications Diagnostics Dynamics Electric Energy
    Financial Foods Freight Gold Health Holdings Hospitality Industries Insurance Labs Lithium Logistics Materials Media
    Medical Metals Mining Motors Networks Oil Optics Paper Pharma Power Properties Realty Resources Robotics Royalty
    Semiconductor Software Solar Steel Systems Therapeutics Timberlands Tools Transport Utilities Water
    """
)
COMPANY_FORMS = ("Inc.", "Corp.", "Holdings, Inc.", "Group plc", "& Co., Inc.", "Ltd.", "Company")
NMS_KINDS = ("Common Stock", "Common Shares", "Class A Common Stock", "Ordinary Shares")
OTC_KINDS = ("Common Stock", "Ordinary Shares", "Unsponsored ADR", "Common Shares (Canada)")

# The first two letters of each are unique among the places and among the things: MPIDs are made of them.
PLACES = _words(
    """
    ALDER BASALT CINDER DUNMORE EMBER FJORD GANNET HOLLOW INLET JASPER KESTREL LANTERN MARLOW NIMBUS ORRERY PETREL
    QUILL RAVINE SEXTANT TERN UMBRA VANTAGE WHARF ZEPHYR
    """
)
THINGS = _words(
    "BRIDGE CROSS DEPTH EDGE FIELD GATE HARBOR LADDER MATCH NODE POOL QUAY RELAY STREAM TIDE VAULT WELL YARD"
)
