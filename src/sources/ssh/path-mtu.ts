import type { PathMtu } from '../../ports/hosts.ts';
import { HOST_COMMANDS } from '../../wire/host-commands.ts';
import { type HostQuestion, linesOf, runForText } from './ask-host.ts';

/** Every path carries packets of this size: https://www.rfc-editor.org/rfc/rfc791#section-3.1 and https://www.rfc-editor.org/rfc/rfc8200#section-5 */
const SMALL_BYTES = { IPv4: 576, IPv6: 1280 };
/** Tried first, because most links have it. */
const USUAL_BYTES = 1500;
const MAX_PINGS = 14;

interface PingResult {
  readonly isAnswered: boolean;
  /** The MTU that a link on the way has reported. */
  readonly reported?: number;
}

/** Finds the largest packet that is answered. After `MAX_PINGS`, `bytes` and `failedBytes` may be a few bytes apart. */
export async function findPathMtu(
  asked: HostQuestion,
  { address, mostBytes }: { readonly address: string; readonly mostBytes: number },
): Promise<PathMtu> {
  const least = address.includes(':') ? SMALL_BYTES.IPv6 : SMALL_BYTES.IPv4;
  if (!Number.isSafeInteger(mostBytes) || mostBytes < least || mostBytes > 65_535)
    throw asked.fail('refused', `the size of a packet is from ${least} to 65535 bytes`);
  const first = await ping(asked, address, mostBytes);
  if (first.isAnswered) return { address, bytes: mostBytes };
  const small = mostBytes === least ? first : await ping(asked, address, least);
  if (!small.isAnswered) return { address, failedBytes: least };
  let [bytes, failedBytes] = [least, mostBytes];
  let guess = first.reported ?? USUAL_BYTES;
  let lastGuess = 0;
  for (let pings = 2; failedBytes - bytes > 1 && pings < MAX_PINGS; pings += 1) {
    const isUseful = guess > bytes && guess < failedBytes;
    const size = isUseful ? guess : Math.floor((bytes + failedBytes) / 2);
    const result = await ping(asked, address, size);
    if (result.isAnswered) bytes = size;
    else failedBytes = size;
    // A reported or usual size is often exact: then the next larger one fails.
    if (!result.isAnswered) guess = result.reported ?? 0;
    else guess = isUseful && size !== lastGuess + 1 ? size + 1 : 0;
    lastGuess = size;
  }
  return { address, bytes, failedBytes };
}

/** `2 packets transmitted, 1 received`. A link of the host itself refuses larger packets: `message too long, mtu=1500`. */
async function ping(asked: HostQuestion, address: string, packetBytes: number): Promise<PingResult> {
  const { text, stderr } = await runForText(
    asked,
    () => HOST_COMMANDS.ping({ address, packetBytes }),
    [0, 1],
  );
  const received = /(?<count>\d+) (?:packets )?received/.exec(text)?.groups?.['count'];
  if (received === undefined)
    throw asked.fail('malformed', linesOf(stderr)[0]?.slice(0, 200) ?? 'ping printed no result');
  const reported = /\bmtu ?= ?(?<mtu>\d{3,5})\b/.exec(`${stderr}\n${text}`)?.groups?.['mtu'];
  return { isAnswered: Number(received) > 0, ...(reported !== undefined && { reported: Number(reported) }) };
}
