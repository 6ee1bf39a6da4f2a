import type { Asked } from '../queue/asked.ts';
import type { Log } from '../telemetry/log.ts';
import type { Message } from './render/message.ts';

/** Slack takes it for 30 minutes; one less for the clocks. */
const OPEN_FOR_MS = 29 * 60_000;
const TIMEOUT_MS = 10_000;

/**
 * Answers through the command's response_url, visible to the channel or to the asker alone; it works where the bot is no member.
 * @returns whether Slack took it: false where the address is absent, too old or used up.
 * @throws where Slack did not answer, to be tried again.
 */
export function respond(
  asked: Pick<Asked, 'responseUrl' | 'at'>,
  message: Message,
  log: Log,
): Promise<boolean> {
  return send(asked, { response_type: 'in_channel', ...message }, log);
}

/** As {@link respond}, visible to the asker alone. */
export function respondPrivately(
  asked: Pick<Asked, 'responseUrl' | 'at'>,
  message: Message,
  log: Log,
): Promise<boolean> {
  return send(asked, { response_type: 'ephemeral', replace_original: false, ...message }, log);
}

async function send(
  { responseUrl, at }: Pick<Asked, 'responseUrl' | 'at'>,
  body: object,
  log: Log,
): Promise<boolean> {
  if (responseUrl === undefined || Date.now() - Date.parse(at) > OPEN_FOR_MS) return false;
  const response = await fetch(responseUrl, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
    redirect: 'error',
    signal: AbortSignal.timeout(TIMEOUT_MS),
  });
  await response.body?.cancel();
  if (response.ok) return true;
  if (response.status === 429 || response.status >= 500)
    throw new Error(`response_url answered ${response.status}`);
  log.warn({ status: response.status }, 'Slack no longer takes answers at the response_url');
  return false;
}
