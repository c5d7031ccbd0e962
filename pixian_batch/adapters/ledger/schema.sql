-- The ledger of pixian-batch. Plain sqlite3 may read it at any time, also while a run goes on.
-- Credits are decimal text, moments are UTC ISO 8601 text, file names are text (blobs when not UTF-8).

CREATE TABLE run (
    id         INTEGER PRIMARY KEY,
    started_at TEXT NOT NULL,
    ended_at   TEXT,
    version    TEXT NOT NULL,
    service    TEXT NOT NULL,
    exit_code  INTEGER,
    -- what the account held, where the service said it: for `reconcile`
    balance_before TEXT,
    balance_after  TEXT
);

CREATE TABLE params (
    id        INTEGER PRIMARY KEY,
    canonical TEXT NOT NULL UNIQUE
);

-- One row an image: which bytes (BLAKE3), with which parameters, and where it stands.
CREATE TABLE image (
    id        INTEGER PRIMARY KEY,
    digest    BLOB NOT NULL,
    params_id INTEGER NOT NULL REFERENCES params (id),
    state     TEXT NOT NULL CHECK (state IN ('open', 'sending', 'received', 'done', 'in_doubt', 'lost')),
    pixels    INTEGER,
    attempt   INTEGER NOT NULL,
    UNIQUE (digest, params_id)
);
CREATE INDEX image_unsettled ON image (state) WHERE state NOT IN ('done', 'open');

-- The audit trail: three sheets that are only ever appended to.
-- An attempt is written before the first byte of its request leaves.
CREATE TABLE attempt (
    id       INTEGER PRIMARY KEY,
    run_id   INTEGER NOT NULL REFERENCES run (id),
    image_id INTEGER NOT NULL REFERENCES image (id),
    sent_at  TEXT NOT NULL,
    input    TEXT NOT NULL,
    place    TEXT NOT NULL,
    spool    TEXT NOT NULL,
    at_most  TEXT,
    free     INTEGER NOT NULL
);
-- An answer is written when the head of a 2xx answer is here, before its body is read.
CREATE TABLE answer (
    attempt_id        INTEGER PRIMARY KEY REFERENCES attempt (id),
    at                TEXT NOT NULL,
    http_status       INTEGER NOT NULL,
    charged           TEXT,
    calculated        TEXT,
    orientation       INTEGER,
    input_size        TEXT,
    result_size       TEXT,
    input_foreground  TEXT,
    result_foreground TEXT,
    length            INTEGER
);
-- A verdict is written when an attempt has ended. An attempt without one was interrupted.
CREATE TABLE verdict (
    attempt_id  INTEGER PRIMARY KEY REFERENCES attempt (id),
    at          TEXT NOT NULL,
    verdict     TEXT NOT NULL,
    http_status INTEGER,
    code        TEXT,
    message     TEXT NOT NULL,
    body_size   INTEGER,
    seconds     REAL NOT NULL,
    kept        TEXT
);
-- A person's decision about an attempt that was in doubt or lost: was it charged? Its image may then be sent again.
CREATE TABLE resolution (
    attempt_id INTEGER PRIMARY KEY REFERENCES attempt (id),
    at         TEXT NOT NULL,
    how        TEXT NOT NULL CHECK (how IN ('charged', 'not_charged'))
);

-- What stands at an output place (relative to the output folder).
CREATE TABLE place (
    folder   TEXT NOT NULL,
    name     TEXT NOT NULL,
    image_id INTEGER NOT NULL REFERENCES image (id),
    size     INTEGER NOT NULL,
    PRIMARY KEY (folder, name)
) WITHOUT ROWID;
CREATE INDEX place_image ON place (image_id);

-- Hashes of inputs, so that a resumed run reads no file that has not changed.
CREATE TABLE source (
    folder   TEXT NOT NULL,
    name     TEXT NOT NULL,
    size     INTEGER NOT NULL,
    mtime_ns INTEGER NOT NULL,
    digest   BLOB NOT NULL,
    PRIMARY KEY (folder, name)
) WITHOUT ROWID;

-- The latest failure of an input that has no result yet.
CREATE TABLE failure (
    input   TEXT NOT NULL PRIMARY KEY,
    run_id  INTEGER NOT NULL,
    at      TEXT NOT NULL,
    code    TEXT,
    message TEXT NOT NULL
) WITHOUT ROWID;

-- How many workers might be in use from a moment on (`allowed`), how many were, how many of those rested, and why that
-- changed. Written when it is cheap: after a kill the last ones may be missing.
CREATE TABLE concurrency (
    id      INTEGER PRIMARY KEY,
    run_id  INTEGER NOT NULL REFERENCES run (id),
    at      TEXT NOT NULL,
    allowed INTEGER NOT NULL,
    in_use  INTEGER NOT NULL,
    resting INTEGER NOT NULL,
    reason  TEXT NOT NULL
);

CREATE TRIGGER attempt_is_kept BEFORE DELETE ON attempt BEGIN SELECT RAISE(ABORT, 'append only'); END;
CREATE TRIGGER attempt_is_fixed BEFORE UPDATE ON attempt BEGIN SELECT RAISE(ABORT, 'append only'); END;
CREATE TRIGGER answer_is_kept BEFORE DELETE ON answer BEGIN SELECT RAISE(ABORT, 'append only'); END;
CREATE TRIGGER answer_is_fixed BEFORE UPDATE ON answer BEGIN SELECT RAISE(ABORT, 'append only'); END;
CREATE TRIGGER verdict_is_kept BEFORE DELETE ON verdict BEGIN SELECT RAISE(ABORT, 'append only'); END;
CREATE TRIGGER verdict_is_fixed BEFORE UPDATE ON verdict BEGIN SELECT RAISE(ABORT, 'append only'); END;
CREATE TRIGGER concurrency_is_kept BEFORE DELETE ON concurrency BEGIN SELECT RAISE(ABORT, 'append only'); END;
CREATE TRIGGER concurrency_is_fixed BEFORE UPDATE ON concurrency BEGIN SELECT RAISE(ABORT, 'append only'); END;

PRAGMA application_id = 0x50584C42; -- "PXLB"
PRAGMA user_version = 2;
