"""The names of alerts that several panels belong to."""

DOWN_ALERTS = (
    "ReachdCheckDown",
    "ReachdBrokerDown",
    "ReachdWebSocketDown",
    "ReachdProviderDown",
    "ReachdCallbackDown",
    "ReachdAdapterDown",
    "ReachdPortExposed",
    "ReachdChecklistUnmet",
    "ReachdAttestationStale",
)
BURN_ALERTS = ("ReachdErrorBudgetBurn",)
