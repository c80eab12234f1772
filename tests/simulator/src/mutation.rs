//! Broken planners: each breaks one statement, and with it an invariant, which must be noticed.

/// A statement that is broken on its way to the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mutation {
    /// Two planners that saw the same watermark may both claim: ranges overlap.
    ChainIsNotUnique,
    /// The range claims to follow another watermark: the chain has a gap.
    ClaimSkipsAnId,
    /// Ids above the upper bound are handed out.
    UpperBoundIsIgnored,
    /// Items are taken beyond the batch's limit.
    LimitIsIgnored,
    /// An attempt is ended that does not run any more: a zombie overwrites it.
    ZombiesMayComplete,
    /// A lease is taken for over while its owner lives.
    LeaseIsAlwaysOver,
    /// What failed is forgotten.
    FailureLeavesNoTrace,
    /// A claim token is given to two attempts: repeating a claim hands out another batch.
    TokenIsNotUnique,
    /// A range is handed out again although it succeeded.
    SuccessIsRetried,
    /// An attempt that waited a moment ago is taken to wait still, whatever its owner did meanwhile.
    StandingIsStale,
    /// The attempt with the highest id is taken for the latest one at its range.
    LatestIsTheHighestId,
    /// Attempts are looked for by where their range lies, not by when they were planned.
    QueueGoesByRange,
    /// The first attempt that runs is not looked at: its lease may be over, and nobody takes it
    /// over.
    FirstIsOverlooked,
    /// What is held is handed out, and results of attempts that run are passed over.
    HoldIsIgnored,
    /// A range that is handed out again takes the configuration of whoever asks.
    ConfigurationIsForgotten,
    /// Attempts that failed are taken for results of their job.
    FailuresAreResults,
    /// Items are read by their age at that time, and not at the claim's.
    AgesAreJudgedAgain,
    /// A range that is handed out again is counted by the age of its rows at that time.
    RetriesForgetWhen,
    /// A claim in one statement hands out a new range before one that waits.
    FusedClaimIgnoresWhatWaits,
    /// A claim in one statement does not look at the job's configuration.
    FusedClaimIgnoresConfiguration,
    /// A claim in one statement takes the end of its page for that of the batch.
    FusedClaimEndsWithItsPage,
    /// The sums of a job forget by how much ranges differ that were counted anew.
    SumsForgetRecounts,
    /// The sums are added to those of another range than the one that is followed.
    SumsForgetARange,
    /// Further attempts keep the sums of the range before theirs.
    RetriesForgetTheirSums,
    /// An attempt that was followed a moment ago still counts as one that waits.
    FollowedAttemptsWait,
    /// Failures are forgotten once they were followed.
    FollowedFailuresAreForgotten,
    /// A batch that has ended is found as one that runs.
    EndedBatchesRun,
    /// A batch that is given back counts as an attempt.
    ReleasedAttemptsCount,
    /// Further attempts forget that ones before were given back.
    RetriesForgetReleases,
}

impl Mutation {
    /// All of them.
    pub const ALL: [Self; 29] = [
        Self::ChainIsNotUnique,
        Self::ClaimSkipsAnId,
        Self::UpperBoundIsIgnored,
        Self::LimitIsIgnored,
        Self::ZombiesMayComplete,
        Self::LeaseIsAlwaysOver,
        Self::FailureLeavesNoTrace,
        Self::TokenIsNotUnique,
        Self::SuccessIsRetried,
        Self::StandingIsStale,
        Self::LatestIsTheHighestId,
        Self::QueueGoesByRange,
        Self::FirstIsOverlooked,
        Self::HoldIsIgnored,
        Self::ConfigurationIsForgotten,
        Self::FailuresAreResults,
        Self::AgesAreJudgedAgain,
        Self::RetriesForgetWhen,
        Self::FusedClaimIgnoresWhatWaits,
        Self::FusedClaimIgnoresConfiguration,
        Self::FusedClaimEndsWithItsPage,
        Self::SumsForgetRecounts,
        Self::SumsForgetARange,
        Self::RetriesForgetTheirSums,
        Self::FollowedAttemptsWait,
        Self::FollowedFailuresAreForgotten,
        Self::EndedBatchesRun,
        Self::ReleasedAttemptsCount,
        Self::RetriesForgetReleases,
    ];

    /// What it replaces in a statement, and by what. Both unique constraints are part of the schema.
    pub(crate) fn replaces(self) -> (&'static str, &'static str) {
        match self {
            Self::ChainIsNotUnique => (
                "UNIQUE (meta_table, job, batch_id_after, attempt)",
                "CHECK (1)",
            ),
            Self::TokenIsNotUnique => ("UNIQUE (claim_token)", "CHECK (1)"),
            Self::ClaimSkipsAnId => (
                "\"source\".\"uid\" > CAST(? AS bigint)",
                "\"source\".\"uid\" > 1 + CAST(? AS bigint)",
            ),
            Self::UpperBoundIsIgnored => (
                "\"source\".\"uid\" <= CAST(? AS bigint) ORDER",
                "\"source\".\"uid\" <= 9 + CAST(? AS bigint) ORDER",
            ),
            Self::LimitIsIgnored => (
                "\"running\".\"weight\" <= CAST(? AS double precision)",
                "\"running\".\"weight\" <= 2 * CAST(? AS double precision)",
            ),
            Self::ZombiesMayComplete => (
                "WHERE \"claim_token\" = CAST(? AS text) AND \"status\" = CAST(? AS text)",
                "WHERE \"claim_token\" = CAST(? AS text) AND \"status\" <> 'no ' || CAST(? AS text)",
            ),
            Self::LeaseIsAlwaysOver => (
                "\"lease_expires\" <= strftime('%Y-%m-%d %H:%M:%f000', 'now')",
                "\"lease_expires\" >= ''",
            ),
            Self::FailureLeavesNoTrace => ("THEN 'retry' ELSE 'exhausted' END", "THEN NULL END"),
            Self::SuccessIsRetried => (
                "SET \"queue\" = NULL, \"processing_end\"",
                "SET \"queue\" = 'retry', \"processing_end\"",
            ),
            Self::StandingIsStale => (
                "CAST(attempts.queue AS text), CAST(attempts.batch_id_start",
                "COALESCE(attempts.queue, 'retry'), CAST(attempts.batch_id_start",
            ),
            Self::LatestIsTheHighestId => (
                "ORDER BY \"attempts\".\"attempt\" DESC",
                "ORDER BY \"attempts\".\"id\" DESC",
            ),
            Self::QueueGoesByRange => (
                "\"waiting\".\"watermark\" >= COALESCE(",
                "\"waiting\".\"batch_id_after\" >= COALESCE(",
            ),
            Self::FirstIsOverlooked => (
                "\"waiting\".\"watermark\" >= COALESCE(",
                "\"waiting\".\"watermark\" > COALESCE(",
            ),
            Self::FailuresAreResults => (
                "(CAST(\"source\".\"status\" AS text) COLLATE BINARY) = CAST(? AS text)",
                "CAST(\"source\".\"status\" AS text) IN (CAST(? AS text), 'failed')",
            ),
            Self::ConfigurationIsForgotten => (
                "CAST(attempts.max_attempts AS bigint), CAST(attempts.config AS text)",
                "CAST(attempts.max_attempts AS bigint), CAST('{}' AS text)",
            ),
            Self::HoldIsIgnored => (".held THEN", ".held AND 0 THEN"),
            Self::AgesAreJudgedAgain => (
                "CAST(attempts.batch_weight AS double precision), CAST(attempts.config AS text)",
                "CAST(attempts.batch_weight AS double precision), json_remove(attempts.config, '$.judged_at')",
            ),
            Self::FusedClaimIgnoresWhatWaits => (
                "standing.unfinished IS NULL AND standing.requeued IS NULL",
                "TRUE",
            ),
            Self::FusedClaimIgnoresConfiguration => (
                "CAST(standing.config_fingerprint AS bigint) = CAST(? AS bigint)",
                "CAST(? AS bigint) IS NOT NULL",
            ),
            Self::FusedClaimEndsWithItsPage => ("(fit.taken < fit.kept OR", "(TRUE OR"),
            Self::RetriesForgetWhen => (
                "CAST(attempts.max_attempts AS bigint), CAST(attempts.config AS text)",
                "CAST(attempts.max_attempts AS bigint), json_remove(attempts.config, '$.judged_at')",
            ),
            Self::SumsForgetRecounts => (
                "sum(recounts.items_recounted)",
                "sum(0 * recounts.items_recounted)",
            ),
            Self::SumsForgetARange => (
                "CAST(attempts.meta_database AS text), CAST(attempts.ranges_through AS bigint)",
                "CAST(attempts.meta_database AS text), CAST(attempts.ranges_through - 1 AS bigint)",
            ),
            Self::RetriesForgetTheirSums => (
                "AS double precision), CAST(attempts.ranges_through AS bigint)",
                "AS double precision), CAST(attempts.ranges_through - 1 AS bigint)",
            ),
            Self::FollowedAttemptsWait => (
                "AND later.attempt > attempts.attempt) THEN 1 END AS is_latest",
                "AND later.attempt < 0) THEN 1 END AS is_latest",
            ),
            Self::FollowedFailuresAreForgotten => ("THEN 'followed' END", "THEN NULL END"),
            Self::EndedBatchesRun => (
                "CAST(attempts.attempt AS bigint), CAST(attempts.status AS text)",
                "CAST(attempts.attempt AS bigint), CAST('running' AS text)",
            ),
            Self::ReleasedAttemptsCount => (
                "\"max_attempts\" = max_attempts + 1",
                "\"max_attempts\" = max_attempts",
            ),
            Self::RetriesForgetReleases => (
                "CAST(attempts.max_attempts AS bigint), CAST(attempts.config AS text)",
                "CAST(attempts.config ->> '$.max_attempts' AS bigint), CAST(attempts.config AS text)",
            ),
        }
    }
}
