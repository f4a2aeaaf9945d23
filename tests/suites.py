"""Which tests run in which suite, by names of folders and files. `make test` leaves out those marked `campaign`."""

# Tests of what the engines do differently: SQL dialects, locks, guards, migrations, notifications, transactions. They
# run on PostgreSQL in `make test` too; so does every route (`test_postgresql_smoke.py`). A single test elsewhere is
# marked `both_engines`. All other tests run on PostgreSQL in campaigns alone.
BOTH_ENGINES = (
    "db", "test_at_rest", "test_backup", "test_candidates", "test_core", "test_count_worker", "test_databases",
    "test_duplicate_scan", "test_entries", "test_erasure", "test_failures", "test_filing", "test_filing_at_once",
    "test_filing_queue", "test_group_commit", "test_head", "test_head_watcher", "test_idempotency", "test_jobs",
    "test_listening", "test_listing", "test_lookup", "test_lost_revisions", "test_main", "test_migrations",
    "test_name_words", "test_person_records", "test_reprojection", "test_scrubbing", "selection",
    "test_settled_past", "test_vault", "test_waiting", "test_went_backwards", "test_writes",
)  # fmt: skip
# What takes minutes, needs a browser, or repeats on drawn data what other tests show on examples.
CAMPAIGN = (
    "attack", "bench", "browser", "count_files", "deploy", "fuzz", "test_count_process", "test_load",
    "test_metrics_port", "test_moving", "test_pairs", "test_reader", "test_snippets", "test_time_tells",
    "test_typescript_dashboard", "test_workers", "trials",
)  # fmt: skip
# Counting lines doubles the time of a test. The lines that these run are run by others too. Not counted either are
# tests on PostgreSQL, drawn tests, and a test after its first values, which mostly ran the same lines.
UNCOUNTED = (
    "attack", "browser", "deploy", "docs", "drills", "fuzz", "machine", "model", "properties", "test_caching",
    "test_canary", "test_costs", "test_crowd", "test_drills", "test_filters", "test_formats", "test_hostile",
    "test_load", "test_messy_january", "test_pairs", "test_probing", "test_reading", "test_roles", "test_time_tells",
    "test_two_registries", "test_wire", "trials",
)  # fmt: skip
# They begin first: a test that takes half a minute, begun last, would be alone on its core.
LONGEST = (
    "attack", "browser", "docs", "machine", "test_canary", "test_load", "test_postgresql_smoke", "test_reader",
    "test_two_registries", "test_wire", "test_workers", "trials",
)  # fmt: skip
