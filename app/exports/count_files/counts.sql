-- The registry's own counts, from the files of this folder, in DuckDB: start it in this folder and run
--     .read counts.sql
--     FROM count_releases(1000, '2026-01-08', '2026-01-31');
-- with a revision up to that of datapackage.json, and the first and the last day (null: open). Every number is the one
-- that the registry gives at that revision.

-- The rows that hold at a revision. A row is written once, where it begins; where it ends stands in the file of closed
-- rows.
CREATE OR REPLACE MACRO releases_at(as_of) AS TABLE
    SELECT * FROM read_parquet('releases-*.parquet') WHERE revision <= as_of
    AND row NOT IN (SELECT row FROM read_parquet('closed-releases-*.parquet') WHERE until <= as_of);
CREATE OR REPLACE MACRO release_verdicts_at(as_of) AS TABLE
    SELECT * FROM read_parquet('release_verdicts-*.parquet') WHERE revision <= as_of
    AND row NOT IN (SELECT row FROM read_parquet('closed-release_verdicts-*.parquet') WHERE until <= as_of);
CREATE OR REPLACE MACRO detentions_at(as_of) AS TABLE
    SELECT * FROM read_parquet('detentions-*.parquet') WHERE revision <= as_of
    AND row NOT IN (SELECT row FROM read_parquet('closed-detentions-*.parquet') WHERE until <= as_of);
CREATE OR REPLACE MACRO detention_verdicts_at(as_of) AS TABLE
    SELECT * FROM read_parquet('detention_verdicts-*.parquet') WHERE revision <= as_of
    AND row NOT IN (SELECT row FROM read_parquet('closed-detention_verdicts-*.parquet') WHERE until <= as_of);

CREATE OR REPLACE MACRO unlinked_release_verdicts_at(as_of) AS TABLE
    SELECT * FROM read_parquet('unlinked_release_verdicts-*.parquet') WHERE revision <= as_of
    AND row NOT IN (SELECT row FROM read_parquet('closed-unlinked_release_verdicts-*.parquet') WHERE until <= as_of);

-- A day is known from its first possible day to its last. Wholly within the days asked for it is counted; across their
-- edge, or where nobody gives a day, it is uncertain.
CREATE OR REPLACE MACRO is_within(first_day, last_day, of, until_day) AS
    (of IS NULL OR coalesce(first_day >= of::DATE, false))
    AND (until_day IS NULL OR coalesce(last_day <= until_day::DATE, false));
CREATE OR REPLACE MACRO is_perhaps_within(first_day, last_day, of, until_day) AS
    NOT is_within(first_day, last_day, of, until_day)
    AND NOT coalesce(last_day < of::DATE, false) AND NOT coalesce(first_day > until_day::DATE, false);

-- Whether a detention surely held on a day, and whether perhaps. Whom a release left under house arrest is not held.
CREATE OR REPLACE MACRO is_held(first_day, last_day, left_first_day, left_last_day, next_detained_by, of) AS
    coalesce(last_day <= of::DATE, false) AND left_first_day >= of::DATE AND left_last_day >= of::DATE
    AND coalesce(next_detained_by > of::DATE, true);
CREATE OR REPLACE MACRO is_perhaps_held(first_day, last_day, left_first_day, left_last_day, next_detained_by, of) AS
    NOT is_held(first_day, last_day, left_first_day, left_last_day, next_detained_by, of)
    AND left_last_day >= of::DATE AND coalesce(next_detained_by > of::DATE, true)
    AND (coalesce(last_day <= of::DATE, false) OR coalesce(first_day <= of::DATE, true));

-- Whether no source says otherwise of a day on which the person was held.
CREATE OR REPLACE MACRO is_sure(sure_first_day, sure_last_day, of) AS
    sure_first_day <= of::DATE AND sure_last_day >= of::DATE;

CREATE OR REPLACE MACRO counts(status) AS status IN ('verified', 'contested', 'reported');

-- Releases, as the registry counts them where no stage is asked for: whoever has left custody.
CREATE OR REPLACE MACRO count_releases(as_of, of, until_day) AS TABLE
    WITH placed AS (
        SELECT *, is_within(first_day, last_day, of, until_day) AS inside,
            is_perhaps_within(first_day, last_day, of, until_day) AS perhaps
        FROM releases_at(as_of) WHERE stage = 'carried_out'
    ), first_hand AS (  -- who confirms a release in the window, and who dates it otherwise
        SELECT detention, count(*) FILTER (
                verdict.verdict = 'verified' AND is_within(verdict.first_day, verdict.last_day, of, until_day)
            ) AS confirming,
            count(*) FILTER (
                verdict.verdict IN ('verified', 'reported')
                AND (verdict.status = 'verified' OR NOT counted_only)
                AND (said_last_day < placed.first_day OR said_first_day > placed.last_day)
                AND (inside OR is_within(said_first_day, said_last_day, of, until_day))
            ) AS dating_otherwise
        FROM release_verdicts_at(as_of) AS verdict JOIN placed USING (detention, stage)
        WHERE independent AND review IS NULL GROUP BY detention
    ), under_review AS (  -- rows of sources that count for these alone, each on its own days
        SELECT count(*) FILTER (review = 'awaiting_review') AS awaiting_review,
            count(*) FILTER (review = 'rejected') AS rejected
        FROM (
            SELECT review, verdict, stage, first_day, last_day FROM release_verdicts_at(as_of)
            UNION ALL SELECT review, verdict, stage, first_day, last_day FROM unlinked_release_verdicts_at(as_of)
        ) WHERE stage = 'carried_out' AND verdict <> 'retracted' AND is_within(first_day, last_day, of, until_day)
    ), weighed AS (
        SELECT * EXCLUDE (status, perhaps), perhaps OR coalesce(dating_otherwise, 0) > 0 AS perhaps,
            CASE WHEN status = 'verified' AND coalesce(confirming, 0) = 0
                    AND inside AND (of IS NOT NULL OR until_day IS NOT NULL)
                THEN 'reported' ELSE status END AS status
        FROM placed LEFT JOIN first_hand USING (detention)
    )
    SELECT count(*) FILTER (inside AND counts(status)) AS cases,
        count(DISTINCT person) FILTER (inside AND counts(status)) AS people,
        count(*) FILTER (inside AND status = 'verified') AS verified,
        count(*) FILTER (inside AND status = 'verified' AND denied) AS denied_by_some,
        count(*) FILTER (inside AND status = 'contested') AS contested,
        count(*) FILTER (inside AND status = 'reported') AS reported,
        count(*) FILTER (inside AND status = 'refuted') AS refuted,
        count(*) FILTER (inside AND status = 'official_only') AS official_only,
        count(*) FILTER (inside AND counts(status) AND counted_only) AS unlinkable,
        count(*) FILTER (perhaps AND counts(status)) AS uncertain_date,
        any_value(awaiting_review) AS awaiting_review, any_value(rejected) AS rejected
    FROM under_review LEFT JOIN weighed ON true;

-- The same by source: each source's own status and days. `only_this_source`: no other source verifies it of its own
-- knowledge.
CREATE OR REPLACE MACRO count_releases_by_source(as_of, of, until_day) AS TABLE
    WITH linked AS (
        SELECT * FROM release_verdicts_at(as_of) WHERE stage = 'carried_out'
    ), alone AS (
        SELECT detention, count(DISTINCT source) AS verifying, any_value(source) AS first_source
        FROM linked WHERE status = 'verified' AND review IS NULL GROUP BY detention
    ), said AS (
        SELECT source, review, coalesce(linked.status, verdict) AS word, person::VARCHAR AS person, first_day, last_day,
            verifying IS NULL OR verifying = 1 AND first_source = source OR review IS NOT NULL AS only_one
        FROM linked SEMI JOIN releases_at(as_of) USING (detention, stage) LEFT JOIN alone USING (detention)
        UNION ALL  -- what sources do not verify of people who may only be counted
        SELECT source, review, coalesce(status, verdict), 'own ' || person, first_day, last_day, review IS NOT NULL
        FROM unlinked_release_verdicts_at(as_of) WHERE stage = 'carried_out'
    ), placed AS (
        SELECT *, is_within(first_day, last_day, of, until_day) AS inside,
            is_perhaps_within(first_day, last_day, of, until_day) AS perhaps
        FROM said
    )
    SELECT slug AS source, count(*) FILTER (inside AND word = 'verified') AS verified,
        count(*) FILTER (inside AND word = 'reported') AS reported,
        count(*) FILTER (inside AND word = 'official_only') AS official_only,
        count(*) FILTER (inside AND word = 'disputed') AS disputed,
        count(*) FILTER (inside AND word = 'refuted') AS refuted,
        count(*) FILTER (inside AND word = 'retracted') AS retracted,
        count(*) FILTER (perhaps AND counts(word)) AS uncertain_date,
        count(*) FILTER (inside AND word = 'verified' AND only_one) AS only_this_source,
        count(DISTINCT person) FILTER (inside AND word = 'verified') AS people,
        count(*) FILTER (inside AND word <> 'retracted' AND review = 'awaiting_review') AS awaiting_review,
        count(*) FILTER (inside AND word <> 'retracted' AND review = 'rejected') AS rejected
    FROM placed JOIN read_parquet('sources.parquet') AS sources
        ON sources.key = placed.source AND sources.until = 9007199254740991
    WHERE inside OR (perhaps AND counts(word)) GROUP BY slug ORDER BY slug;

-- Releases by the month of the day; `month` is none where the days known span several, or there are none.
CREATE OR REPLACE MACRO count_releases_by_month(as_of, of, until_day) AS TABLE
    SELECT CASE WHEN date_trunc('month', first_day) = date_trunc('month', last_day)
            THEN strftime(first_day, '%Y-%m') END AS month,
        count(*) FILTER (counts(status)) AS cases, count(DISTINCT person) FILTER (counts(status)) AS people
    FROM releases_at(as_of)
    WHERE stage = 'carried_out' AND is_within(first_day, last_day, of, until_day) AND status IS NOT NULL GROUP BY month ORDER BY month NULLS LAST;

-- Releases that two sources verified of their own knowledge, for each pair of sources, and how far their own days and
-- kinds agree.
CREATE OR REPLACE MACRO count_overlap(as_of, of, until_day) AS TABLE
    WITH counted AS (
        SELECT detention FROM releases_at(as_of)
        WHERE stage = 'carried_out' AND is_within(first_day, last_day, of, until_day) AND counts(status)
    ), verifying AS (
        SELECT detention, slug, said_first_day, said_last_day, said_kind
        FROM release_verdicts_at(as_of) AS verdict SEMI JOIN counted USING (detention)
        JOIN read_parquet('sources.parquet') AS sources
            ON sources.key = verdict.source AND sources.until = 9007199254740991
        WHERE stage = 'carried_out' AND status = 'verified' AND review IS NULL
    ), by_source AS (
        SELECT slug, count(*) AS verified FROM verifying GROUP BY slug
    ), shared AS (
        SELECT one.slug AS a, other.slug AS b, count(*) AS shared,
            count(*) FILTER (
                one.said_first_day = other.said_first_day AND one.said_last_day = other.said_last_day
            ) AS dates_same,
            count(*) FILTER (
                one.said_first_day <= other.said_last_day AND other.said_first_day <= one.said_last_day
            ) - dates_same AS dates_compatible,
            count(*) FILTER (
                one.said_first_day > other.said_last_day OR other.said_first_day > one.said_last_day
            ) AS dates_different,
            count(*) FILTER (one.said_kind = other.said_kind) AS kinds_same,
            count(*) FILTER (one.said_kind <> other.said_kind) AS kinds_different
        FROM verifying AS one JOIN verifying AS other USING (detention)
        WHERE one.slug < other.slug GROUP BY one.slug, other.slug
    )
    SELECT one.slug AS a, other.slug AS b, coalesce(shared, 0) AS "both",
        one.verified - coalesce(shared, 0) AS only_a, other.verified - coalesce(shared, 0) AS only_b,
        one.verified + other.verified - coalesce(shared, 0) AS either,
        coalesce(dates_same, 0) AS dates_same, coalesce(dates_compatible, 0) AS dates_compatible,
        coalesce(dates_different, 0) AS dates_different,
        coalesce(shared - dates_same - dates_compatible - dates_different, 0) AS dates_unsaid,
        coalesce(kinds_same, 0) AS kinds_same, coalesce(kinds_different, 0) AS kinds_different,
        coalesce(shared - kinds_same - kinds_different, 0) AS kinds_unsaid
    FROM by_source AS one JOIN by_source AS other ON one.slug < other.slug
    LEFT JOIN shared ON shared.a = one.slug AND shared.b = other.slug
    ORDER BY a, b;

-- Who is held on a day, and whom a report shows inside in the `held_within` years before it or later, or on no known day.
CREATE OR REPLACE MACRO count_held(as_of, of, held_within := 2) AS TABLE
    WITH detentions_on_day AS (
        SELECT *, is_held(first_day, last_day, left_first_day, left_last_day, next_detained_by, of) AS held,
            coalesce(heard_of_by >= of::DATE - to_years(held_within), true) AS recent
        FROM detentions_at(as_of)
    ), placed AS (
        SELECT *, held AND recent AS inside,
            recent AND (
                is_perhaps_held(first_day, last_day, left_first_day, left_last_day, next_detained_by, of)
                OR held AND (NOT is_sure(sure_first_day, sure_last_day, of) OR status = 'refuted')
            ) AS perhaps
        FROM detentions_on_day
    )
    SELECT count(*) FILTER (inside AND counts(status)) AS cases,
        count(DISTINCT person) FILTER (inside AND counts(status)) AS people,
        count(*) FILTER (inside AND status = 'verified') AS verified,
        count(*) FILTER (inside AND status = 'verified' AND denied) AS denied_by_some,
        count(*) FILTER (inside AND status = 'contested') AS contested,
        count(*) FILTER (inside AND status = 'reported') AS reported,
        count(*) FILTER (inside AND status = 'refuted') AS refuted,
        count(*) FILTER (inside AND status = 'official_only') AS official_only,
        count(*) FILTER (inside AND counts(status) AND counted_only) AS unlinkable,
        count(*) FILTER (perhaps AND (counts(status) OR status = 'refuted')) AS uncertain_date,
        count(*) FILTER (held AND NOT recent AND counts(status)) AS outside_held_within
    FROM placed;

-- Detentions by how they ended; `ended` is none where they have not, or where only a contested release says so. The days
-- are those of the arrest.
CREATE OR REPLACE MACRO count_detentions_by_end(as_of, of, until_day) AS TABLE
    SELECT ended, count(*) FILTER (counts(status)) AS cases,
        count(DISTINCT person) FILTER (counts(status)) AS people
    FROM detentions_at(as_of)
    WHERE is_within(detained_first_day, detained_last_day, of, until_day) AND status IS NOT NULL
    GROUP BY ended ORDER BY ended NULLS LAST;
