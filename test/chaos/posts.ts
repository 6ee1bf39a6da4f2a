import type { Message } from '../workspace/model.ts';
import type { RecordedCall } from '../workspace/web-api.ts';

/** One `chat.postMessage` that Slack accepted, as described by its metadata. */
export interface Post {
  readonly runId: string;
  /** `root`, `reply-0`, `offers`, `card-m…` */
  readonly part: string;
  /** Grows each time another bot takes over the posting of the run. */
  readonly fence: number | undefined;
  readonly channel: string;
  readonly ts: string;
  readonly threadTs: string | undefined;
  readonly text: string;
  /** The workspace accepted the call and lost its reply on purpose, so the bot cannot know. */
  readonly isLost: boolean;
}

/** What the channels show at the end. */
export interface Shown {
  readonly posts: readonly Post[];
  /** Roots and broadcast replies, with their threads. */
  readonly messages: readonly Pick<Message, 'channel' | 'ts' | 'text'>[];
}

const METHOD = 'chat.postMessage';
const EVENT = 'wrench_post';
/** Also of older versions, which an upgrade leaves behind. */
const PROGRESS = /^(Checking .*…|(CHECKING|LOOKING) in )/;

/** In the order in which the workspace accepted them. */
export function postsIn(requests: readonly RecordedCall[]): readonly Post[] {
  return requests.flatMap(({ method, args, response, isLost = false }) => {
    const named = method === METHOD && response['ok'] === true ? readMetadata(args['metadata']) : undefined;
    if (!named) return [];
    const threadTs = args['thread_ts'];
    return [
      {
        ...named,
        channel: String(response['channel']),
        ts: String(response['ts']),
        threadTs: typeof threadTs === 'string' ? threadTs : undefined,
        text: String(args['text']),
        isLost,
      },
    ];
  });
}

function readMetadata(given: unknown): Pick<Post, 'runId' | 'part' | 'fence'> | undefined {
  if (typeof given !== 'string') return undefined;
  const { event_type: type, event_payload: payload } = JSON.parse(given) as {
    event_type?: unknown;
    event_payload?: { key?: unknown; fence?: unknown };
  };
  const [, runId, part] = /^([^/]+)\/(.+)$/.exec(String(payload?.key)) ?? [];
  if (type !== EVENT || runId === undefined || part === undefined) return undefined;
  return { runId, part, fence: typeof payload?.fence === 'number' ? payload.fence : undefined };
}

const rootsOf = (posts: readonly Post[]) => posts.filter(({ part }) => part === 'root');

/**
 * Roots that were posted again although Slack's reply to the previous one arrived. A root whose reply was
 * lost may be posted again.
 */
export function doubledRoots(posts: readonly Post[]): readonly string[] {
  const ofRun = Map.groupBy(rootsOf(posts), ({ runId, channel }) => `${runId} in ${channel}`);
  return [...ofRun].flatMap(([name, roots]) => {
    const answeredAt = roots.findIndex(({ isLost }) => !isLost);
    const again = answeredAt < 0 ? [] : roots.slice(answeredAt + 1);
    return again.length > 0
      ? [`${name}: at ${roots.map(({ ts, isLost }) => `${ts}${isLost ? ' (reply lost)' : ''}`).join(', ')}`]
      : [];
  });
}

const NOTICE = /^(outcome-m[0-9a-f]{16}-[a-z]+|(approved|reminder)-m[0-9a-f]{16})$/;
/** The first text of a card. It says who must approve the plan, or that there is none. */
const REQUEST_ON_CARD = /asks you to approve: /;
const END_ON_CARD = /^:[a-z_]+: [A-Z]+ · /;

/** Notices that were posted again although Slack's reply to an earlier post arrived. Each notifies people. */
export function doubledNotices(posts: readonly Post[]): readonly string[] {
  const ofPart = Map.groupBy(
    posts.filter(({ part, text }) =>
      part.startsWith('card-') ? REQUEST_ON_CARD.test(text) || END_ON_CARD.test(text) : NOTICE.test(part),
    ),
    ({ runId, part, channel }) => `${runId}/${part} in ${channel}`,
  );
  return [...ofPart].flatMap(([name, same]) => {
    const confirmedAt = same.findIndex(({ isLost }) => !isLost);
    return confirmedAt >= 0 && confirmedAt < same.length - 1 ? [`${name}: ${same.length} times`] : [];
  });
}

/** Whether a post in its thread says how a remediation ended: one of its own, or its card if it never had a plan. */
export function isEndPosted(posts: readonly Post[], id: string, state: string): boolean {
  return posts.some(
    ({ part, text }) =>
      part === `outcome-${id}-${state}` ||
      (part === `card-${id}` && END_ON_CARD.test(text) && text.includes(` ${state.toUpperCase()} · `)),
  );
}

/** Whether a post asked these approvers, people or a user group, for their approval. */
export function isAsked(posts: readonly Post[], id: string, approvers: readonly string[]): boolean {
  return posts.some(
    ({ part, text }) =>
      part === `card-${id}` &&
      REQUEST_ON_CARD.test(text) &&
      approvers.every((approver) => text.includes(`^${approver}>`) || text.includes(`<@${approver}>`)),
  );
}

/** The number of messages posted twice because Slack's reply to the first was lost. */
export function doubledByLoss(posts: readonly Post[]): number {
  const ofPart = Map.groupBy(posts, ({ runId, part, channel }) => `${runId}/${part} in ${channel}`);
  return [...ofPart.values()].reduce((sum, same) => sum + Math.max(0, same.length - 1), 0);
}

/** Progress messages left in the channel although Slack confirmed them. */
export function progressLeft({ posts, messages }: Shown): readonly string[] {
  return inProgress(messages)
    .filter((message) => !isLost(posts, message))
    .map(({ channel, ts, text }) => `${channel} ${ts}: ${text.slice(0, 80)}`);
}

/**
 * Progress messages left in the channel because Slack's reply was lost: their `ts` is unknown, so they
 * cannot be edited.
 */
export function progressLeftByLoss({ posts, messages }: Shown): number {
  return inProgress(messages).filter((message) => isLost(posts, message)).length;
}

function inProgress(messages: Shown['messages']): Shown['messages'] {
  return messages.filter(({ text }) => PROGRESS.test(text));
}

function isLost(posts: readonly Post[], { channel, ts }: Pick<Message, 'channel' | 'ts'>): boolean {
  return posts.some((post) => post.channel === channel && post.ts === ts && post.isLost);
}

/**
 * Posts with a lower fencing token than an earlier one of the same run: from a bot that had lost the lease.
 * Once any post has a token, one without it counts too.
 */
export function postsWithoutLease(posts: readonly Post[]): readonly string[] {
  const highest = new Map<string, number>();
  const isFenced = posts.some(({ fence }) => fence !== undefined);
  return posts.flatMap(({ runId, part, fence, ts }) => {
    if (fence === undefined) return isFenced ? [`${runId}/${part} at ${ts}: no token`] : [];
    const before = highest.get(runId) ?? fence;
    highest.set(runId, Math.max(before, fence));
    return fence < before ? [`${runId}/${part} at ${ts}: token ${fence} after ${before}`] : [];
  });
}

/**
 * Roots posted in another order than `asked`, the order of the commands. A progress message has the place
 * of its report.
 */
export function rootsOutOfOrder(posts: readonly Post[], asked: readonly string[]): readonly string[] {
  const place = new Map(asked.map((runId, at) => [runId, at]));
  let last = -1;
  return firstOf(rootsOf(posts)).flatMap(({ runId, ts }) => {
    const at = place.get(runId);
    if (at === undefined) return [];
    const isLate = at < last;
    last = Math.max(last, at);
    return isLate ? [`${runId} at ${ts}: asked as number ${at + 1}, posted after number ${last + 1}`] : [];
  });
}

function firstOf(roots: readonly Post[]): readonly Post[] {
  const seen = new Set<string>();
  return roots.filter(({ runId }) => !seen.has(runId) && seen.add(runId));
}

/** Replies posted before one that they should follow, or in the thread of another run. */
export function repliesOutOfOrder(posts: readonly Post[]): readonly string[] {
  const roots = new Map(rootsOf(posts).map(({ channel, ts, runId }) => [`${channel} ${ts}`, runId]));
  const last = new Map<string, number>();
  return posts.flatMap(({ runId, part, channel, ts, threadTs }) => {
    if (threadTs === undefined) return [];
    const root = roots.get(`${channel} ${threadTs}`);
    if (root !== runId) return [`${runId}/${part} at ${ts}: under ${root ?? 'no root'}`];
    const rank = rankOf(part);
    const before = last.get(runId) ?? 0;
    last.set(runId, Math.max(before, rank));
    return rank < before ? [`${runId}/${part} at ${ts}: after a later part`] : [];
  });
}

/** Parts of a report in order; what is added to a thread later, such as cards, has no order. */
function rankOf(part: string): number {
  const reply = /^reply-(\d+)$/.exec(part)?.[1];
  if (reply !== undefined) return 2 + Number(reply);
  if (part === 'root') return 0;
  return part === 'offers' ? 1 : 1_000;
}

/** Runs without exactly one report: none at all, or more roots than lost replies explain. */
export function withoutAnswer({ posts, messages }: Shown, runIds: readonly string[]): readonly string[] {
  const answers = new Set(
    messages.filter(({ text }) => !PROGRESS.test(text)).map(({ channel, ts }) => `${channel} ${ts}`),
  );
  const answered = new Set(
    rootsOf(posts)
      .filter(({ channel, ts }) => answers.has(`${channel} ${ts}`))
      .map(({ runId }) => runId),
  );
  return runIds.filter((runId) => !answered.has(runId));
}
