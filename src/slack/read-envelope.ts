/** A message on Slack's socket, as https://docs.slack.dev/apis/events-api/using-socket-mode describes it. */
type Envelope = Readonly<Record<string, unknown>>;

/** These are for the client itself. */
const OF_THE_SOCKET = new Set(['hello', 'disconnect']);

/**
 * A message of the socket in a form that the Socket Mode client can read; undefined for what is not an envelope.
 * The client emits an event named after the envelope, or after the Events API event in it, and so would take a payload for one of its own
 * events (`error`, `close`), or fail on an event without a type. All envelopes get one type, which nothing listens for; Bolt reads
 * the payload alone.
 */
export function readEnvelope(data: unknown): string | undefined {
  const envelope = typeof data === 'string' ? parse(data) : undefined;
  if (envelope === undefined) return undefined;
  const { type, envelope_id: id } = envelope;
  if (typeof type === 'string' && OF_THE_SOCKET.has(type)) return data as string;
  if (typeof id !== 'string' || id === '') return undefined;
  try {
    return JSON.stringify({ ...envelope, type: 'interactive' });
  } catch {
    // Nested too deeply to be written; acknowledged without it.
    return JSON.stringify({ envelope_id: id, type: 'interactive', payload: null });
  }
}

function parse(text: string): Envelope | undefined {
  try {
    const envelope: unknown = JSON.parse(text);
    return typeof envelope === 'object' && envelope !== null ? (envelope as Envelope) : undefined;
  } catch {
    return undefined;
  }
}
