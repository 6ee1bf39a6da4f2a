/**
 * Calls per minute, by method and workspace. Source: metadata/web-api/rate_limit_tiers.json of
 * slackapi/java-slack-sdk. chat.postMessage is special: about one per second and channel, with bursts
 * tolerated; Slack documents no numbers for the burst.
 */
const TIERS = { t1: 1, t2: 20, t3: 50, t4: 100, special: 600 } as const;
const BURST_A_CHANNEL = 3;

const methodTiers: Readonly<Record<string, keyof typeof TIERS>> = {
  'apps.connections.open': 't1',
  'auth.test': 'special',
  'blocks.validate': 't3',
  'chat.delete': 't3',
  'chat.getPermalink': 'special',
  'chat.postEphemeral': 't4',
  'chat.update': 't3',
  'conversations.history': 't3',
  'conversations.info': 't3',
  'conversations.replies': 't3',
  'files.completeUploadExternal': 't4',
  'files.getUploadURLExternal': 't4',
  'usergroups.list': 't2',
  'usergroups.users.list': 't2',
  'users.info': 't4',
  'views.open': 't4',
  'views.publish': 't4',
  'views.update': 't4',
};

/**
 * Returns how many seconds the caller must wait, or 0 if the call is allowed. A rejected call does not
 * count.
 */
export function createRateLimits(now = () => Date.now()): (method: string, channel: string) => number {
  const buckets = new Map<string, { tokens: number; at: number }>();
  const take = (key: string, burst: number, aSecond: number): number => {
    const at = now();
    const bucket = buckets.get(key) ?? { tokens: burst, at };
    const tokens = Math.min(burst, bucket.tokens + ((at - bucket.at) / 1000) * aSecond);
    buckets.set(key, { tokens: tokens >= 1 ? tokens - 1 : tokens, at });
    return tokens >= 1 ? 0 : Math.max(1, Math.ceil((1 - tokens) / aSecond));
  };

  return (method, channel) => {
    if (method === 'chat.postMessage') return take(`${method} ${channel}`, BURST_A_CHANNEL, 1);
    const aMinute = TIERS[methodTiers[method] ?? 't3'];
    return take(method, aMinute, aMinute / 60);
  };
}
