import { atMost } from '../telemetry/within.ts';
import { openChain } from '../store/audit/chain.ts';
import { openCopyStates } from '../store/audit/copy-states.ts';
import { openDeliveries } from '../store/access/deliveries.ts';
import { openFreeze } from '../store/remediation/freeze.ts';
import { headFileOf } from '../store/audit/head-file.ts';
import { openLine } from '../store/thread/line.ts';
import { openPeople } from '../store/access/people.ts';
import { openRate } from '../store/access/rate.ts';
import { openRefusals, startSweepingRefusals } from '../store/audit/refusals.ts';
import { openRemediations } from '../store/remediation/remediations.ts';
import { openRepeats } from '../store/thread/repeats.ts';
import { openThreads } from '../store/thread/threads.ts';
import { watchCopy } from '../store/audit/watch-copy.ts';
import { connectImpatiently, connectPatiently, waitUntilReady } from '../queue/connection.ts';
import { makeIsAnswerQueued, openQueues, PREFIX } from '../queue/queues.ts';
import { workOutbox } from '../queue/work.ts';
import { groupsInRules } from '../slack/access/ask-from.ts';
import { readInstallation } from '../slack/access/installation.ts';
import { startSlackApp } from '../slack/app.ts';
import { postAuditNotice } from '../slack/delivery/audit-notice.ts';
import { openUserDirectory } from '../slack/access/user-directory.ts';
import { handleOutboxJob } from '../slack/delivery/outbox.ts';
import { allowSlackUrls } from '../slack/delivery/response-url.ts';
import { makeSlackClient } from '../slack/delivery/slack-call.ts';
import { logOutages } from '../telemetry/outages.ts';
import { policyOf, type Role, type Shared } from './shared.ts';
import { MissingSettings } from './missing-settings.ts';

/** Posts at once; each waits for Slack most of the time. */
const POSTS_AT_ONCE = 25;
const GRACE_MS = 10_000;
const CLOSE_WITHIN_MS = 2_000;
const SWEEP_REFUSALS_EVERY_MS = 5_000;
/** Without Redis by then, commands are heard all the same and told so. */
const READY_WITHIN_MS = 5_000;

/** The role that faces Slack: it answers commands and posts what the outbox holds. It holds no credential of the infrastructure. */
export async function startBot(shared: Shared): Promise<Role & { readonly port?: number }> {
  const { settings, config, catalogue, redis, redact, metrics } = shared;
  const log = shared.log.child({ role: 'bot' });
  const onError = logOutages(log, 'Redis');
  const { slackBotToken: botToken, slackAppToken, slackSigningSecret } = settings;
  if (botToken === undefined) throw new MissingSettings('SLACK_BOT_TOKEN is not set');
  if (slackAppToken === undefined && slackSigningSecret === undefined)
    throw new MissingSettings('set SLACK_APP_TOKEN (Socket Mode) or SLACK_SIGNING_SECRET (HTTP)');

  const installation = await readInstallation(botToken, settings.slackApiUrl, log);
  const { workspace } = installation;
  const asking = connectImpatiently(redis, onError);
  const posting = connectPatiently(redis, onError);
  const queues = openQueues(asking, onError);
  const policy = policyOf(config);
  const rules = { environments: config.environments, commands: config.commands };
  const client = makeSlackClient(botToken, settings.slackApiUrl, log);
  const isSlackUrl = allowSlackUrls(settings.slackApiUrl);
  const chain = openChain(asking, PREFIX);
  const remediations = openRemediations(asking, PREFIX, chain);
  const refusals = openRefusals(asking, PREFIX, chain);
  const directory = openUserDirectory({
    client,
    people: openPeople(asking, PREFIX),
    policy,
    workspace,
    alsoGroups: groupsInRules(rules),
    clock: remediations.clock,
    log,
  });
  const post = {
    client,
    remediations: openRemediations(posting, PREFIX),
    policy,
    threads: openThreads(posting, PREFIX),
    line: openLine(posting, PREFIX),
    dropsRepeats: openRepeats(posting, PREFIX).drops,
    isAnswerQueued: makeIsAnswerQueued(posting),
    isSlackUrl,
    metrics,
    log,
  };
  const outbox = workOutbox({
    connection: posting,
    atOnce: POSTS_AT_ONCE,
    takeOverMs: config.limits.takeOverSeconds * 1_000,
    handle: (delivery) => handleOutboxJob(post, delivery),
    onFailed: ({ id, data, error, forGood }) =>
      log[forGood ? 'error' : 'warn'](
        { err: error, jobId: id, runId: data.runId },
        forGood ? 'given up posting an answer' : 'posting an answer failed; it is tried again',
      ),
    onError,
  });
  const { copyTo, channel: auditChannel } = config.audit;
  const copying = watchCopy({
    copy: {
      chain: openChain(posting, PREFIX),
      ...(copyTo !== undefined && { to: copyTo }),
      headFile: headFileOf(copyTo, settings.dataPath),
      log,
    },
    states: openCopyStates(posting, PREFIX),
    measure: ({ stopped, behind }) => {
      metrics.auditCopyStopped.set(stopped ? 1 : 0);
      metrics.auditCopyLag.set(behind);
    },
    ...(auditChannel !== undefined && { post: (notice) => postAuditNotice(post, auditChannel, notice) }),
  });
  const letGo = async (stopWithinMs = GRACE_MS) => {
    directory.close();
    await Promise.all([
      atMost(stopWithinMs, sweeping.close()),
      atMost(stopWithinMs, copying.close()),
      outbox.close(stopWithinMs),
    ]);
    await atMost(CLOSE_WITHIN_MS, queues.close());
    asking.disconnect();
    posting.disconnect();
  };
  await waitUntilReady(asking, READY_WITHIN_MS);
  const sweeping = startSweepingRefusals(refusals, SWEEP_REFUSALS_EVERY_MS, (error) =>
    log.debug({ err: error }, 'refusals could not be summed up; retrying'),
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
      line: openLine(asking, PREFIX),
      redact,
      isSlackUrl,
      threads: openThreads(asking, PREFIX),
      admin: {
        directory,
        freeze: openFreeze(asking, PREFIX, chain),
        chain,
        refusals,
        isFirst: openDeliveries(asking, PREFIX),
        clock: remediations.clock,
        log,
      },
      log,
    },
    { client, remediations, threads: openThreads(asking, PREFIX), directory, policy, queues, redact, log },
    {
      access: {
        workspace,
        directory,
        rules,
        rate: openRate(asking, PREFIX, config.limits.perPersonPerMinute),
        isFirst: openDeliveries(asking, PREFIX),
        log,
      },
      auditing: { refusals, clock: remediations.clock, log },
      client,
      isSlackUrl,
      metrics,
      log,
    },
  ).catch(async (error: unknown) => {
    await letGo();
    throw error;
  });
  log.info({ port: app.port, mode: slackAppToken === undefined ? 'http' : 'socket' }, 'the bot hears Slack');
  return {
    depth: queues.depth,
    ...(app.port !== undefined && { port: app.port }),
    readiness: {
      slack: app.ready,
      redis: () => asking.status === 'ready' || 'not reachable',
      outbox: () => outbox.isRunning() || 'not running',
    },
    close: async (graceMs = GRACE_MS) => {
      const startedAtMs = performance.now();
      const withinMs = Math.min(graceMs, GRACE_MS);
      // What still waits for Redis or Slack by then is cut off.
      await atMost(withinMs, app.close());
      await letGo(Math.max(0, withinMs - (performance.now() - startedAtMs)));
    },
  };
}
