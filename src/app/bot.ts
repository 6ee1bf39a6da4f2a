import { atMost } from '../telemetry/within.ts';
import { openAuditLog } from '../store/audit/audit-log.ts';
import { openAuditCopyStates } from '../store/audit/copy-states.ts';
import { openDeliveries } from '../store/access/deliveries.ts';
import { openDigests } from '../store/digests/open-digests.ts';
import { openClaims } from '../store/claims/claims.ts';
import { openFindingHistory } from '../store/history/finding-history.ts';
import { openSilences } from '../store/silences/open-silences.ts';
import { openStatusThreads } from '../store/thread/status-threads.ts';
import { openFreeze } from '../store/remediation/freeze.ts';
import { headFileOf } from '../store/audit/head-file.ts';
import { openChannelOrder } from '../store/thread/channel-order.ts';
import { openPeople } from '../store/access/people.ts';
import { openRate } from '../store/access/rate.ts';
import { openRefusals, startSweepingRefusals } from '../store/audit/refusals.ts';
import { makeAnnounce } from '../store/remediation/announce.ts';
import { readClock } from '../store/read-clock.ts';
import { openRemediationStore } from '../store/remediation/remediation-store.ts';
import { openPostDeduplication } from '../store/thread/post-deduplication.ts';
import { openSavedReports } from '../store/thread/saved-reports.ts';
import { openThreads } from '../store/thread/threads.ts';
import { watchCopy } from '../store/audit/watch-copy.ts';
import { connectFailFast, connectBlocking, waitUntilReady } from '../queue/connection.ts';
import { makeIsAnswerQueued, openQueues, PREFIX } from '../queue/queues.ts';
import { startOutboxWorker } from '../queue/workers.ts';
import { groupsInRules } from '../slack/access/ask-from.ts';
import { readInstallation } from '../slack/access/installation.ts';
import { startSlackApp } from '../slack/app.ts';
import { postAuditNotice } from '../slack/delivery/audit-notice.ts';
import { openUserDirectory } from '../slack/access/user-directory.ts';
import { handleOutboxJob } from '../slack/delivery/outbox.ts';
import { allowSlackUrls } from '../slack/delivery/response-url.ts';
import { makeSlackClient } from '../slack/delivery/slack-call.ts';
import { logRedisErrors } from '../telemetry/outages.ts';
import { digestDefinitionsOf, policyOf, type Role, type Shared } from './shared.ts';
import { MissingSettings } from './missing-settings.ts';

/** Concurrent jobs; each waits for Slack most of the time. */
const POSTS_AT_ONCE = 25;
const GRACE_MS = 10_000;
const CLOSE_WITHIN_MS = 2_000;
const SWEEP_REFUSALS_EVERY_MS = 5_000;
/** If Redis is unreachable for longer, the bot starts anyway and reports it in response to each command. */
const READY_WITHIN_MS = 5_000;
const DAY_MS = 86_400_000;

/** Starts the bot, which answers commands and posts what is in the outbox. It has no credentials for the infrastructure. */
export async function startBot(shared: Shared): Promise<Role & { readonly port?: number }> {
  const { settings, config, catalogue, redis, redact, metrics } = shared;
  const log = shared.log.child({ role: 'bot' });
  const onError = logRedisErrors(log);
  const { slackBotToken: botToken, slackAppToken, slackSigningSecret } = settings;
  if (botToken === undefined) throw new MissingSettings("SLACK_BOT_TOKEN isn't set.");
  if (slackAppToken === undefined && slackSigningSecret === undefined)
    throw new MissingSettings('Set SLACK_APP_TOKEN (Socket Mode) or SLACK_SIGNING_SECRET (HTTP).');

  const installation = await readInstallation(botToken, settings.slackApiUrl, log);
  const { workspace } = installation;
  const commandRedis = connectFailFast(redis, onError);
  const outboxRedis = connectBlocking(redis, onError);
  const queues = openQueues(commandRedis, onError);
  const policy = policyOf(config);
  const rules = { environments: config.environments, commands: config.commands };
  const client = makeSlackClient(botToken, settings.slackApiUrl, log);
  const isSlackUrl = allowSlackUrls(settings.slackApiUrl);
  const auditLog = openAuditLog(commandRedis, PREFIX);
  const remediations = openRemediationStore(commandRedis, PREFIX, auditLog);
  const clock = () => readClock(commandRedis);
  const refusals = openRefusals(commandRedis, PREFIX, auditLog);
  const directory = openUserDirectory({
    client,
    people: openPeople(commandRedis, PREFIX),
    policy,
    workspace,
    alsoGroups: groupsInRules(rules),
    clock,
    log,
  });
  const cardDeps = {
    client,
    remediations: openRemediationStore(outboxRedis, PREFIX),
    policy,
    savedReports: openSavedReports(outboxRedis, PREFIX),
    threads: openThreads(outboxRedis, PREFIX),
    channelOrder: openChannelOrder(outboxRedis, PREFIX),
    dropsDuplicates: openPostDeduplication(outboxRedis, PREFIX).dropsDuplicates,
    isAnswerQueued: makeIsAnswerQueued(outboxRedis),
    membersOf: directory.membersOf,
    clock: () => readClock(outboxRedis),
    digests: openDigests(outboxRedis, PREFIX),
    ...(config.audit.channel !== undefined && { auditChannel: config.audit.channel }),
    isSlackUrl,
    metrics,
    log,
  };
  const outboxWorker = startOutboxWorker({
    connection: outboxRedis,
    concurrency: POSTS_AT_ONCE,
    lockMs: config.limits.takeOverSeconds * 1_000,
    handle: (job) => handleOutboxJob(cardDeps, job),
    onFailed: ({ id, data, error, isFinal }) => {
      const about = { err: error, jobId: id, runId: data.runId };
      if (isFinal) log.error({ event: 'post-abandoned', ...about }, "Couldn't post to Slack; giving up");
      else log.warn({ event: 'post-failed', ...about }, "Couldn't post to Slack; retrying");
    },
    onError,
  });
  const findings = {
    history: openFindingHistory(commandRedis, PREFIX, config.history.days * DAY_MS),
    silences: openSilences(commandRedis, PREFIX, auditLog),
    claims: openClaims(commandRedis, PREFIX),
    statusThreads: openStatusThreads(commandRedis, PREFIX),
    queues,
    clock,
    log,
  };
  const { copyTo, channel: auditChannel } = config.audit;
  const auditCopy = watchCopy({
    copy: {
      audit: openAuditLog(outboxRedis, PREFIX),
      ...(copyTo !== undefined && { to: copyTo }),
      headFile: headFileOf(copyTo, settings.dataPath),
      log,
    },
    states: openAuditCopyStates(outboxRedis, PREFIX),
    measure: ({ stopped, behind }) => {
      metrics.auditCopyStopped.set(stopped ? 1 : 0);
      metrics.auditCopyLag.set(behind);
    },
    ...(auditChannel !== undefined && { post: (notice) => postAuditNotice(cardDeps, auditChannel, notice) }),
  });
  const release = async (stopWithinMs = GRACE_MS) => {
    directory.close();
    await Promise.all([
      atMost(stopWithinMs, refusalSweep.close()),
      atMost(stopWithinMs, auditCopy.close()),
      outboxWorker.close(stopWithinMs),
    ]);
    await atMost(CLOSE_WITHIN_MS, queues.close());
    commandRedis.disconnect();
    outboxRedis.disconnect();
  };
  await waitUntilReady(commandRedis, READY_WITHIN_MS);
  const refusalSweep = startSweepingRefusals(refusals, SWEEP_REFUSALS_EVERY_MS, (error) =>
    log.debug(
      { event: 'refusals-not-summarized', err: error },
      "Couldn't summarize refusals in the audit; retrying",
    ),
  );
  const app = await startSlackApp(
    {
      botToken,
      port: settings.port,
      ...(slackAppToken !== undefined && { appToken: slackAppToken }),
      ...(slackSigningSecret !== undefined && { signingSecret: slackSigningSecret }),
      ...(settings.slackApiUrl !== undefined && { apiUrl: settings.slackApiUrl }),
    },
    installation,
    {
      context: { catalogue, environments: Object.keys(config.environments), defaults: config.checks },
      channels: config.channels,
      ...(config.defaultEnvironment !== undefined && { defaultEnvironment: config.defaultEnvironment }),
      queues,
      channelOrder: openChannelOrder(commandRedis, PREFIX),
      redact,
      isSlackUrl,
      threads: openThreads(commandRedis, PREFIX),
      admin: {
        directory,
        rules,
        checks: [...catalogue.checks.keys()],
        findings,
        digests: {
          definitions: digestDefinitionsOf(config, catalogue),
          store: openDigests(commandRedis, PREFIX),
          enqueueStart: queues.enqueueDigestStart,
        },
        freeze: openFreeze(commandRedis, PREFIX, auditLog),
        audit: auditLog,
        refusals,
        isFirst: openDeliveries(commandRedis, PREFIX),
        clock,
        log,
      },
      log,
    },
    {
      client,
      remediations,
      threads: openThreads(commandRedis, PREFIX),
      directory,
      policy,
      announce: makeAnnounce(queues, log),
      queues,
      redact,
      log,
    },
    { ...findings, client, redact },
    { savedReports: openSavedReports(commandRedis, PREFIX) },
    {
      access: {
        workspace,
        directory,
        rules,
        rate: openRate(commandRedis, PREFIX, config.limits.perPersonPerMinute),
        isFirst: openDeliveries(commandRedis, PREFIX),
        log,
      },
      auditing: { refusals, clock, log },
      client,
      isSlackUrl,
      metrics,
      log,
    },
  ).catch(async (error: unknown) => {
    await release();
    throw error;
  });
  log.info(
    { event: 'bot-started', port: app.port, mode: slackAppToken === undefined ? 'http' : 'socket' },
    'Bot started',
  );
  return {
    depth: queues.depth,
    ...(app.port !== undefined && { port: app.port }),
    readiness: {
      slack: app.ready,
      redis: () => commandRedis.status === 'ready' || 'unreachable',
      outbox: () => outboxWorker.isRunning() || 'not running',
    },
    close: async (graceMs = GRACE_MS) => {
      const startedAtMs = performance.now();
      const withinMs = Math.min(graceMs, GRACE_MS);
      // Work that still waits for Redis or Slack after that is abandoned.
      await atMost(withinMs, app.close());
      await release(Math.max(0, withinMs - (performance.now() - startedAtMs)));
    },
  };
}
