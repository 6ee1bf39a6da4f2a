import type { DhcpMessage, Facts } from './facts.ts';
import type { ClientState, RefusedClient } from './judge.ts';
import type { Round } from './rounds.ts';
import type { DhcpSample, RefusedClientSample } from './samples.ts';
import type { Servers } from './servers.ts';

interface KnownClient {
  readonly name: string;
  readonly mac: string;
  readonly server: string;
  readonly state: ClientState;
}

interface RememberedClient extends KnownClient {
  readonly state: RefusedClient;
  readonly rounds: readonly Round[];
  readonly isRemembered: true;
}

/** How long a client that sends nothing is still without an address: after that, one that is no port of a cloud has probably been removed. */
const MAX_SILENT_MS = 2 * 86_400_000;
const MAX_SAMPLES = 1_000;

/** What to remember: clients that were refused first. */
export function samplesOf(
  clients: readonly KnownClient[],
  servers: Servers,
  facts: Facts,
): readonly DhcpSample[] {
  const refused = clients.flatMap(({ state, ...client }) =>
    state.is === 'refused' && !state.hasAddress ? toSample(client, state.rounds.at(-1), facts) : [],
  );
  const networks = [...new Set(clients.map(({ server }) => server))].flatMap(
    (server): readonly DhcpSample[] => {
      const network = servers.networkOf(server);
      return network === undefined ? [] : [{ name: server, network }];
    },
  );
  return [...refused, ...networks].slice(0, MAX_SAMPLES);
}

function toSample(
  { mac, name }: Pick<KnownClient, 'mac' | 'name'>,
  refusal: Round | undefined,
  { ports }: Facts,
): readonly DhcpSample[] {
  if (!refusal) return [];
  const { by, address, reason } = refusal;
  const port = ports.find((one) => one.mac === mac)?.id;
  return [
    {
      name,
      refused: {
        mac,
        host: by.host,
        link: by.link,
        ...(address !== undefined && { address }),
        ...(reason !== undefined && { reason }),
        refusedAt: refusal.at.toISOString(),
        ...(port !== undefined && { port }),
      },
    },
  ];
}

/**
 * Clients that were refused in an earlier run, and of which no server has logged anything since: a refusal drops the address, and its line has left the
 * time window.
 */
export function stillRefused(
  { conversations, earlier, withinMs }: Pick<Facts, 'conversations' | 'earlier' | 'withinMs'>,
  now: Date,
): readonly RememberedClient[] {
  const heard = new Set(conversations.map(({ mac }) => mac));
  // Without a run since the beginning of the window, it may have got an address in between.
  const recent = earlier.filter(({ at }) => at.getTime() >= now.getTime() - withinMs);
  const newest = new Map(
    recent.flatMap(({ name, refused }) => (refused ? [[refused.mac, { name, refused }]] : [])),
  );
  const isRecent = ({ refusedAt }: RefusedClientSample) =>
    // oxlint-disable-next-line no-restricted-globals -- a time of an earlier run
    now.getTime() - Date.parse(refusedAt) < MAX_SILENT_MS;
  return [...newest.values()]
    .filter(({ refused }) => !heard.has(refused.mac) && (refused.port !== undefined || isRecent(refused)))
    .map(({ name, refused }) => toClient(name, refused));
}

/** Leaves out clients whose ports were deleted in the cloud. */
export function withoutDeleted(
  earlier: Facts['earlier'],
  { ports, asked }: { readonly ports: Facts['ports']; readonly asked: ReadonlySet<string> },
): Facts['earlier'] {
  const known = new Set(ports.map(({ mac }) => mac));
  return earlier.filter(
    ({ refused }) => refused?.port === undefined || !asked.has(refused.mac) || known.has(refused.mac),
  );
}

function toClient(
  name: string,
  { mac, host, link, address, reason, refusedAt }: RefusedClientSample,
): RememberedClient {
  // oxlint-disable-next-line no-restricted-globals -- a time of an earlier run
  const at = new Date(refusedAt);
  const known = { ...(address !== undefined && { address }), ...(reason !== undefined && { reason }) };
  const by: DhcpMessage = { at, host, link, type: 'NAK', mac, ...known };
  const server = `${host} ${link}`;
  const round: Round = { at, asked: 'REQUEST', servers: [server], outcome: 'refused', by, ...known };
  return {
    name,
    mac,
    server,
    rounds: [round],
    state: { is: 'refused', rounds: [round], isLoop: false, hasAddress: false },
    isRemembered: true,
  };
}
