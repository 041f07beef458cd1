"""What can go wrong with the store.

ParleyError
└── StoreUnavailableError      the database is away or too slow (agent.errors)
StoreSetupError                the gateway cannot work with this database; one line for the operator
├── DatabaseTooNewError        it was migrated by a newer Parley
├── MigrationChangedError      an applied migration's file was changed
├── DatabaseRoleError          the application role is missing, or would bypass row level security
└── TooFewConnectionsError     it takes fewer connections than the workers need
SealError                      a sealed record does not open
WordsMovedError                what was read for facts is not its speaker's any more
"""


class StoreSetupError(Exception):
    """The gateway cannot work with this database."""


class DatabaseTooNewError(StoreSetupError):
    """The database was migrated by a newer version of Parley. Start that version, or restore a backup."""


class MigrationChangedError(StoreSetupError):
    """A migration that was applied to this database is not the one that this version has."""


class DatabaseRoleError(StoreSetupError):
    """The database role does not keep people's data apart."""


class TooFewConnectionsError(StoreSetupError):
    """The database takes fewer connections than the workers need."""


class SealError(Exception):
    """No key opens what was sealed. Put the key that it was sealed with after the new one."""


class WordsMovedError(Exception):
    """What was read was parted from its speaker, deleted or erased meanwhile. Read what is left of it again."""
