"""reachd: watches whether every connection a platform depends on can really be made."""
