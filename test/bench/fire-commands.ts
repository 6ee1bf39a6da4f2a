import { createHttpDelivery, type Ack } from '../workspace/deliver.ts';
import { APP, TEAM } from '../workspace/model.ts';
import { CHANNEL_IDS, TOKENS } from './stage.ts';

/** What the bench asks for. */
export interface Volley {
  readonly url: string;
  /** One command each, all at once. */
  readonly texts: readonly string[];
}

/** Run as a process of its own, so that firing costs the bot nothing. Each volley comes over new connections, as from many hosts. */
async function fire({ url, texts }: Volley): Promise<readonly Ack[]> {
  const delivery = createHttpDelivery({ requestUrl: () => url, signingSecret: TOKENS.signingSecret });
  const acks = await Promise.all(texts.map((text, at) => delivery.send(payloadOf(text, at))));
  await delivery.close();
  return acks;
}

function payloadOf(text: string, at: number): Record<string, string> {
  const channel = CHANNEL_IDS[at % CHANNEL_IDS.length] ?? '';
  return {
    token: 'not-a-secret-verification-token',
    team_id: TEAM.id,
    team_domain: TEAM.domain,
    channel_id: channel,
    channel_name: channel.toLowerCase(),
    user_id: 'U0123ADA',
    user_name: 'ada',
    command: '/certs',
    text,
    api_app_id: APP.id,
    is_enterprise_install: 'false',
    trigger_id: `1.2.${crypto.randomUUID()}`,
  };
}

process.on('message', (volley: Volley) => void fire(volley).then((acks) => process.send?.(acks)));
process.once('disconnect', () => process.exit());
