/** Faults on demand. A method is named as in the Web API, or `*` for all of them. */
export interface Faults {
  /** HTTP 429 with Retry-After. Without `times`: until cleared. */
  readonly rateLimit: (method: string, options: { retryAfterSeconds: number; times?: number }) => void;
  /** HTTP 5xx without executing the call. */
  readonly serverError: (method: string, options?: { status?: number; times?: number }) => void;
  /** Executes the call, then resets the connection, so that the caller cannot know. */
  readonly loseAnswer: (method: string, options?: { times?: number }) => void;
  /** Responds late. */
  readonly slow: (method: string, options: { ms: number; times?: number }) => void;
  /** Each command and click from now on is delivered this many times in total. 1 is normal. */
  readonly deliverTimes: (times: number) => void;
  /** Web API methods reject calls above Slack's documented rates. */
  readonly paceLikeSlack: (isOn: boolean) => void;
  /**
   * A post with a `client_msg_id` that the channel has seen returns the existing message. Off: each post is
   * a new message.
   */
  readonly dropRepeats: (isOn: boolean) => void;
  /** Resets all of the above. Memberships stay unchanged. */
  readonly clear: () => void;
  /** The active faults, for people. */
  readonly active: () => readonly string[];
}

export type Fault =
  | { readonly kind: 'rate-limit'; readonly retryAfterSeconds: number }
  | { readonly kind: 'server-error'; readonly status: number }
  | { readonly kind: 'lose-answer' }
  | { readonly kind: 'slow'; readonly ms: number };

export interface FaultPlan extends Faults {
  /** The faults that apply to this call; each counts as used. */
  readonly take: (method: string) => readonly Fault[];
  readonly deliveries: () => number;
  readonly isPaced: () => boolean;
  readonly dropsRepeats: () => boolean;
}

export function createFaultPlan(onChange: () => void): FaultPlan {
  let planned: { method: string; fault: Fault; left: number }[] = [];
  let deliveries = 1;
  let isPaced = false;
  let dropsRepeats = false;
  const plan = (method: string, fault: Fault, times = Infinity) => {
    planned = planned.filter((other) => other.method !== method || other.fault.kind !== fault.kind);
    planned.push({ method, fault, left: times });
    onChange();
  };

  return {
    rateLimit: (method, { retryAfterSeconds, times }) =>
      plan(method, { kind: 'rate-limit', retryAfterSeconds }, times),
    serverError: (method, { status = 503, times } = {}) =>
      plan(method, { kind: 'server-error', status }, times),
    loseAnswer: (method, { times = 1 } = {}) => plan(method, { kind: 'lose-answer' }, times),
    slow: (method, { ms, times }) => plan(method, { kind: 'slow', ms }, times),
    deliverTimes: (times) => {
      deliveries = times;
      onChange();
    },
    paceLikeSlack: (isOn) => {
      isPaced = isOn;
      onChange();
    },
    dropRepeats: (isOn) => {
      dropsRepeats = isOn;
      onChange();
    },
    clear: () => {
      planned = [];
      deliveries = 1;
      isPaced = dropsRepeats = false;
      onChange();
    },
    active: () => [
      ...planned.map(
        ({ method, fault, left }) => `${fault.kind} ${method}${left < Infinity ? ` ×${left}` : ''}`,
      ),
      ...(deliveries > 1 ? [`deliver ×${deliveries}`] : []),
      ...(isPaced ? ['rates'] : []),
    ],
    take: (method) => {
      const met = planned.filter((entry) => entry.method === method || entry.method === '*');
      for (const entry of met) entry.left -= 1;
      planned = planned.filter((entry) => entry.left > 0);
      if (met.some((entry) => entry.left <= 0)) onChange();
      return met.map(({ fault }) => fault);
    },
    deliveries: () => deliveries,
    isPaced: () => isPaced,
    dropsRepeats: () => dropsRepeats,
  };
}
